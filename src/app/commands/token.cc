// `weir token revoke|list`: tokens that count no more although they have not expired, in the file or the Redis that
// the config's `tokens.revoked` names. Redis, if it names both: that is what all gateways read.
#include "app/commands/token.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <limits>

#include "app/commands/key.h"
#include "app/host/config_source.h"
#include "app/stores/revoked_tokens.h"
#include "base/json/quantity.h"
#include "snapshot/compile/credential_settings.h"

namespace weir::app {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

// One word of a line: what a line cannot hold cannot be revoked by one.
bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

// The rest of a line.
bool is_rest(std::string_view text) {
  return !text.empty() && text.front() != ' ' && text.back() != ' ' &&
         std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c != 0x7f; });
}

std::optional<double> time_of(const std::string& text, std::int64_t now) {
  if (text.empty()) return kNever;
  if (const auto after = parse_duration(text))
    return static_cast<double>(now + std::chrono::duration_cast<std::chrono::seconds>(*after).count());
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size()) return static_cast<double>(seconds);
  for (const char* form : {"%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"}) {
    std::tm parts{};
    const char* rest = ::strptime(text.c_str(), form, &parts);
    if (rest != nullptr && *rest == '\0') return static_cast<double>(::timegm(&parts));
  }
  return std::nullopt;
}

std::string until_text(double until) {
  return std::isfinite(until) ? time_text(static_cast<std::int64_t>(until)) : "never";
}

// "sub@1795523159 ISSUER SUBJECT" as members.
Json to_json(const Revoked& one, std::string_view where) {
  std::string_view rest = one.line;
  const auto word = [&rest] {
    const std::string_view out = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(out.size() + 1, rest.size()));
    return out;
  };
  const std::string_view kind = word();
  const std::size_t at = kind.find('@');
  const std::string_view before = at == std::string_view::npos ? std::string_view() : kind.substr(at + 1);
  std::int64_t seconds = 0;
  std::from_chars(before.data(), before.data() + before.size(), seconds);
  Json out = Json::object();
  out.set("kind", kind.substr(0, at));
  out.set("issuer", word());
  out.set("value", rest);
  out.set("issued_before", before.empty() ? Json() : Json(time_text(seconds)));
  out.set("until", std::isfinite(one.until) ? Json(until_text(one.until)) : Json());
  out.set("in", where);
  return out;
}

class TokenCommand {
 public:
  TokenCommand(const TokenOptions& options, pipeline::FilterTable filters)
      : options_(options), filters_(filters), now_(std::time(nullptr)) {}

  int run() {
    const bool revokes = options_.action == TokenOptions::Action::revoke;
    if (revokes) {
      if (std::string wrong = check_words(); !wrong.empty()) return fail(wrong + "\nTry: weir token --help", kUsage);
    }
    const auto source = find_config(options_.config, name());
    if (!source) return kUsage;
    const auto document = source->load();
    if (!document) {
      print({document.error()}, *source);
      return kProblems;
    }
    const auto settings =
        snapshot::credential_settings(*document, {.filters = filters_, .base_dir = source->base_dir});
    if (!settings) {
      print(settings.error(), *source);
      return kProblems;
    }
    if (!settings->revoked_in_redis && settings->revoked_file.empty()) {
      return fail(fmt::format(
          "{} does not say where revoked tokens are kept; add\n\n  tokens:\n    revoked: {{file: revoked.txt}}\n",
          source->name()));
    }
    return revokes ? revoke(*settings) : list(*settings);
  }

 private:
  std::string_view name() const {
    return options_.action == TokenOptions::Action::revoke ? "token revoke" : "token list";
  }
  int fail(std::string_view what, int code = kProblems) const {
    fmt::print(stderr, "weir {}: {}\n", name(), what);
    return code;
  }

  std::string check_words() {
    if (options_.jti.empty() == options_.subject.empty()) return "which? --jti ID, or --subject S --issuer I";
    if (options_.issuer.empty() && !options_.subject.empty())
      return "whose subject? --issuer URL; \"*\" is any issuer, and every one of them has its own subjects";
    if (!options_.issuer.empty() && !is_word(options_.issuer)) return "an issuer has no spaces";
    if (!is_rest(options_.jti.empty() ? options_.subject : options_.jti))
      return "an id or a subject has no control characters, and no space at its ends";
    if (options_.later && options_.subject.empty()) return "--later is for a subject";
    const auto until = time_of(options_.until, now_);
    if (!until)
      return fmt::format("\"{}\" is no time for --until: 24h, 2026-12-31T23:59:59Z, or seconds since the epoch",
                         options_.until);
    if (*until <= static_cast<double>(now_)) return "--until is over already: nothing would be revoked";
    entry_.until = *until;
    const std::string issuer = options_.issuer.empty() ? "*" : options_.issuer;
    if (!options_.jti.empty()) {
      entry_.line = fmt::format("jti {} {}", issuer, options_.jti);
    } else if (options_.later) {
      entry_.line = fmt::format("sub {} {}", issuer, options_.subject);
    } else {
      entry_.line = fmt::format("sub@{} {} {}", now_ + 1, issuer, options_.subject);  // of this second, too
    }
    return {};
  }

  int revoke(const snapshot::StoreSettings& settings) {
    std::unique_ptr<RevokedTokens> tokens;
    if (settings.revoked_in_redis) {
      auto opened = revoked_in_redis(settings.redis);
      if (!opened) return fail(opened.error());
      tokens = std::move(*opened);
    } else {
      tokens = revoked_in_file(settings.revoked_file);
    }
    if (auto added = tokens->add(entry_, static_cast<double>(now_)); !added) return fail(added.error());
    const std::string_view where = settings.revoked_in_redis ? "redis" : "file";
    if (options_.json) {
      fmt::print("{}\n", to_pretty(to_json(entry_, where)));
      return kOk;
    }
    fmt::print("Revoked in {}: {}\nRunning gateways refuse it within {}. May be forgotten: {}.\n",
               settings.revoked_in_redis ? "Redis" : settings.revoked_file, entry_.line,
               settings.revoked_in_redis ? "a second" : "a few seconds", until_text(entry_.until));
    return kOk;
  }

  int list(const snapshot::StoreSettings& settings) {
    std::vector<std::pair<Revoked, std::string_view>> all;
    const auto take = [&all](std::expected<std::vector<Revoked>, std::string> some, std::string_view where) {
      if (!some) return some.error();
      for (Revoked& one : *some) all.emplace_back(std::move(one), where);
      return std::string();
    };
    if (!settings.revoked_file.empty()) {
      if (const auto wrong = take(revoked_in_file(settings.revoked_file)->all(), "file"); !wrong.empty())
        return fail(wrong);
    }
    if (settings.revoked_in_redis) {
      auto opened = revoked_in_redis(settings.redis);
      if (!opened) return fail(opened.error());
      if (const auto wrong = take((*opened)->all(), "redis"); !wrong.empty()) return fail(wrong);
    }
    if (options_.json) {
      Json out = Json::array();
      for (const auto& [one, where] : all) out.push(to_json(one, where));
      fmt::print("{}\n", to_pretty(out));
      return kOk;
    }
    fmt::print("{:<20}  {:<5}  {}\n", "UNTIL", "IN", "ENTRY");
    for (const auto& [one, where] : all) fmt::print("{:<20}  {:<5}  {}\n", until_text(one.until), where, one.line);
    return kOk;
  }

  const TokenOptions& options_;
  pipeline::FilterTable filters_;
  std::int64_t now_;
  Revoked entry_;
};

}  // namespace

int token(const TokenOptions& options, pipeline::FilterTable filters) { return TokenCommand(options, filters).run(); }

}  // namespace weir::app
