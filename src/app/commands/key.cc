// `weir key create|list|rotate|disable|enable|revoke`: API keys in whichever store the config names. A secret is
// printed once, when it is made, and kept nowhere.
#include "app/commands/key.h"

#include <fmt/format.h>

#include <cstdio>
#include <ctime>

#include "adapters/sqlite/key_file.h"
#include "app/host/config_source.h"
#include "app/stores/pepper.h"
#include "app/stores/redis_key_store.h"
#include "base/json/nearest.h"
#include "base/json/quantity.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "identity/api_key.h"
#include "snapshot/compile/credential_settings.h"

namespace weir::app {
namespace {

using identity::KeyRecord;
using identity::KeyStore;

int complain(std::string_view command, std::string_view what, int code = kProblems) {
  fmt::print(stderr, "weir key {}: {}\n", command, what);
  return code;
}

std::string_view text(KeyOptions::Action action) {
  constexpr std::string_view kTexts[] = {"create", "list", "rotate", "disable", "enable", "revoke"};
  return kTexts[static_cast<std::size_t>(action)];
}

// RFC 6749 §3.3, and no space within.
bool is_scope(std::string_view scope) {
  return !scope.empty() && scope.size() <= 128 &&
         std::ranges::all_of(scope, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

// As the config wants names of consumers and groups.
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 128 && std::ranges::all_of(name, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._-:/").contains(c);
  });
}

bool is_header_text(std::string_view text) {
  return text.size() <= 256 && std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

class KeyCommand {
 public:
  KeyCommand(const KeyOptions& options, pipeline::FilterTable filters)
      : options_(options), filters_(filters), now_(std::time(nullptr)) {}

  int run() {
    if (std::string wrong = check_words(); !wrong.empty()) return usage(wrong);
    const auto source = find_config(options_.config, fmt::format("key {}", text(options_.action)));
    if (!source) return kUsage;
    const auto document = source->load();
    if (!document) {
      print({document.error()}, *source);
      return kProblems;
    }
    auto settings = snapshot::credential_settings(*document, {.filters = filters_, .base_dir = source->base_dir});
    if (!settings) {
      print(settings.error(), *source);
      return kProblems;
    }
    if (settings->credentials.store == snapshot::CredentialSettings::Store::none) {
      return fail(
          fmt::format("{} does not say where keys are kept; add\n\n  credentials:\n    store: {{file: keys.db}}\n",
                      source->name()));
    }
    if (auto opened = open(*settings); !opened) return fail(opened.error());
    note_consumers(*document);
    switch (options_.action) {
      case KeyOptions::Action::create:
        return create();
      case KeyOptions::Action::list:
        return list();
      case KeyOptions::Action::rotate:
        return rotate();
      case KeyOptions::Action::disable:
      case KeyOptions::Action::enable:
        return turn(options_.action == KeyOptions::Action::enable);
      case KeyOptions::Action::revoke:
        return revoke();
    }
    return kUsage;
  }

 private:
  int fail(std::string_view what) const { return complain(text(options_.action), what); }
  int usage(std::string_view what) const {
    return complain(text(options_.action), fmt::format("{}\nTry: weir key --help", what), kUsage);
  }

  std::string check_words() {
    if (options_.action == KeyOptions::Action::create) {
      if (options_.consumer.empty()) return "whose is it? --consumer NAME";
      if (!is_name(options_.consumer)) return "a consumer's name has letters, digits and . _ - : / only";
      for (const std::string& group : options_.groups)
        if (!is_name(group))
          return fmt::format("\"{}\" is no name of a group: letters, digits and . _ - : / only", group);
      for (const std::string& scope : options_.scopes)
        if (!is_scope(scope)) return fmt::format("\"{}\" is no scope: no spaces, quotes or backslashes", scope);
      if (!is_header_text(options_.custom_id)) return "--custom-id is sent in a header: visible ASCII only";
      if (!options_.expires.empty() && !parse_duration(options_.expires))
        return fmt::format("\"{}\" is no duration for --expires: 90d, 12h, 30m", options_.expires);
    }
    if (!parse_duration(options_.grace))
      return fmt::format("\"{}\" is no duration for --grace: 24h, 7d, 0s", options_.grace);
    const bool one = options_.action != KeyOptions::Action::create && options_.action != KeyOptions::Action::list;
    if (one && !identity::is_api_key_id(options_.id)) {
      // Whoever pastes a whole key here has shown it to the shell's history: say so.
      if (const auto parts = identity::parse_api_key(options_.id))
        return fmt::format("that is a whole key; its id is enough: {}", parts->id);
      return "which key? `weir key list` shows the ids";
    }
    return {};
  }

  std::expected<void, std::string> open(const snapshot::StoreSettings& where) {
    using adapters::sqlite::KeyFile;
    const snapshot::CredentialSettings& settings = where.credentials;
    if (settings.store == snapshot::CredentialSettings::Store::redis) {
      auto opened = RedisKeyStore::open(where.redis);
      if (!opened) return std::unexpected(opened.error());
      store_ = std::move(*opened);
      pepper_.emplace(settings.pepper);
      return {};
    }
    const bool makes = options_.action == KeyOptions::Action::create;
    const bool hashes = makes || options_.action == KeyOptions::Action::rotate;
    auto opened = KeyFile::open(settings.file, makes ? KeyFile::Mode::create : KeyFile::Mode::existing);
    if (!opened) return std::unexpected(opened.error() + (makes ? "" : "; `weir key create` makes the first key"));
    store_ = std::move(*opened);
    if (!hashes) return {};
    std::expected<std::string, std::string> pepper = settings.pepper;
    if (pepper->empty())
      pepper = makes ? read_or_make_pepper(settings.pepper_file) : read_pepper(settings.pepper_file);
    if (!pepper) return std::unexpected(pepper.error());
    pepper_.emplace(*pepper);
    crypto::wipe(*pepper);
    return {};
  }

  // A slip in a name makes a key that no ACL of the config knows: said, not refused, since consumers need no entry.
  void note_consumers(const Json& document) const {
    const Json* consumers = document.find("consumers");
    if (consumers == nullptr || options_.action != KeyOptions::Action::create) return;
    std::vector<std::string_view> known;
    for (const Json& one : consumers->items())
      if (const Json* name = one.find("name")) known.push_back(name->as_string());
    if (std::ranges::find(known, options_.consumer) != known.end()) return;
    fmt::print(stderr, "weir key create: note: the config has no consumer \"{}\"; {}\n", options_.consumer,
               did_you_mean(options_.consumer, known, "consumers"));
  }

  std::int64_t after(std::string_view duration) const {
    return now_ + std::chrono::duration_cast<std::chrono::seconds>(*parse_duration(duration)).count();
  }

  int create() {
    KeyRecord record;
    record.id = crypto::random_base62(identity::kApiKeyIdLength);
    record.consumer = options_.consumer;
    record.custom_id = options_.custom_id;
    record.groups = options_.groups;
    record.scopes = options_.scopes;
    record.created = now_;
    record.expires = options_.expires.empty() ? 0 : after(options_.expires);
    std::string secret = crypto::random_base62(identity::kApiKeySecretLength);
    record.secrets.push_back({(*pepper_)(secret), now_, 0});
    if (auto added = store_->add(record); !added) return fail(added.error());
    show_key(record, secret, "new");
    if (!options_.json && !options_.quiet) {
      fmt::print("\nIt is shown only now. Clients send it as\n\n  curl -H 'X-API-Key: {}' …\n\n",
                 identity::make_api_key(record.id, secret));
      fmt::print("Running gateways know it within a second. Expires: {}. To end it: weir key revoke {}\n",
                 time_text(record.expires), record.id);
    }
    crypto::wipe(secret);
    return kOk;
  }

  int rotate() {
    std::string secret = crypto::random_base62(identity::kApiKeySecretLength);
    const std::int64_t ends = after(options_.grace);
    auto changed = store_->change(options_.id, [&](KeyRecord& record) -> std::expected<void, std::string> {
      if (state_of(record, now_) != "live")
        return std::unexpected(fmt::format("the key {} is {}; make a new one: weir key create --consumer {}",
                                           record.id, state_of(record, now_), record.consumer));
      std::erase_if(record.secrets, [&](const auto& one) { return one.expires != 0 && one.expires <= now_; });
      if (record.secrets.size() == identity::kMostSecrets)
        return std::unexpected(
            fmt::format("the key {} is being rotated: its old secret ends at {}, and a key has two", record.id,
                        time_text(record.secrets.front().expires)));
      for (auto& one : record.secrets) one.expires = ends;
      record.secrets.push_back({(*pepper_)(secret), now_, 0});
      return {};
    });
    if (!changed) return fail(changed.error());
    show_key(*changed, secret, "rotated");
    if (!options_.json && !options_.quiet) {
      fmt::print("\nIt is shown only now. The secret before it works until {}; both do until then.\n",
                 time_text(ends));
    }
    crypto::wipe(secret);
    return kOk;
  }

  // What revoking is for good: a key whose holder has not paid, or that is being looked into.
  int turn(bool on) {
    auto changed = store_->change(options_.id, [&](KeyRecord& record) -> std::expected<void, std::string> {
      if (record.revoked != 0)
        return std::unexpected(
            fmt::format("the key {} was revoked at {}, for good; make a new one: weir key create "
                        "--consumer {}",
                        record.id, time_text(record.revoked), record.consumer));
      record.disabled = !on;
      return {};
    });
    if (!changed) return fail(changed.error());
    if (options_.json) {
      fmt::print("{}\n", to_pretty(key_json(*changed, now_)));
    } else if (on) {
      fmt::print("The key {} of {} is {}. Running gateways know it within a second.\n", changed->id,
                 changed->consumer, state_of(*changed, now_));
    } else {
      fmt::print(
          "The key {} of {} is disabled. Running gateways refuse it within a second. To end that: weir key "
          "enable {}\n",
          changed->id, changed->consumer, changed->id);
    }
    return kOk;
  }

  int revoke() {
    bool before = false;
    auto changed = store_->change(options_.id, [&](KeyRecord& record) -> std::expected<void, std::string> {
      before = record.revoked != 0;
      if (!before) record.revoked = now_;
      return {};
    });
    if (!changed) return fail(changed.error());
    if (options_.json) {
      fmt::print("{}\n", to_pretty(key_json(*changed, now_)));
    } else {
      fmt::print("The key {} of {} {}. Running gateways refuse it within a second.\n", changed->id, changed->consumer,
                 before ? "was revoked before, at " + time_text(changed->revoked) : "is revoked");
    }
    return kOk;
  }

  int list() {
    auto records = store_->all();
    if (!records) return fail(records.error());
    std::erase_if(*records, [&](const KeyRecord& one) {
      return !options_.consumer.empty() && one.consumer != options_.consumer;
    });
    std::ranges::sort(*records, {}, [](const KeyRecord& one) { return std::tie(one.consumer, one.created, one.id); });
    if (options_.json) {
      Json out = Json::array();
      for (const KeyRecord& one : *records) out.push(key_json(one, now_));
      fmt::print("{}\n", to_pretty(out));
    } else {
      fmt::print("{}", key_list(*records, now_));
    }
    return kOk;
  }

  void show_key(const KeyRecord& record, std::string_view secret, std::string_view what) const {
    const std::string key = identity::make_api_key(record.id, secret);
    if (options_.quiet) {
      fmt::print("{}\n", key);
    } else if (options_.json) {
      Json out = key_json(record, now_);
      out.set("key", std::string_view(key));
      fmt::print("{}\n", to_pretty(out));
    } else {
      fmt::print("The {} key of {}:\n\n  {}\n", what, record.consumer, key);
    }
  }

  const KeyOptions& options_;
  pipeline::FilterTable filters_;
  std::int64_t now_;
  std::unique_ptr<KeyStore> store_;
  std::optional<crypto::Mac> pepper_;
};

}  // namespace

int key(const KeyOptions& options, pipeline::FilterTable filters) { return KeyCommand(options, filters).run(); }

}  // namespace weir::app
