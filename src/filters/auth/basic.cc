// Filter basic: who calls, by user name and password (RFC 7617) of a consumer in the config. Checking a password
// takes a tenth of a second on purpose: it is done off the loop, once, and what came out is remembered on the worker
// under a keyed hash. Exchange's thread.
#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/secret.h"
#include "filters/auth/caller.h"
#include "filters/auth/checked_passwords.h"
#include "filters/auth/specs.h"
#include "filters/config/config.h"
#include "io/offload.h"
#include "pipeline/kept.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;
using User = identity::ConsumerBook::BasicUser;

// A user name and a password of 256 bytes each fit well; what is longer is no password but work for the hash.
constexpr std::size_t kLongest = 1024;
constexpr std::string_view kWrong = "the user name or the password is wrong";
constexpr std::string_view kKept = "basic";

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      realm_field(),
      schema::field("hide_credentials", schema::boolean())
          .fallback(true)
          .doc("Take Authorization out of what goes upstream: a service has no use for the password."),
  });
  return kSchema;
}

struct Credentials {
  bool presented = false;
  bool good = false;  // of the form it must have
  std::string username;
  std::string password;
  Credentials() = default;
  Credentials(Credentials&&) = default;
  Credentials& operator=(Credentials&&) = default;
  ~Credentials() { crypto::wipe(password); }
};

class Basic final : public pipeline::Filter {
 public:
  Basic(std::string_view realm, bool hide, const identity::ConsumerBook* consumers)
      : challenge_(challenge_text("Basic", realm, "charset=\"UTF-8\"")),
        hide_(hide),
        consumers_(consumers),
        nobody_(identity::nobodys_hash()) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    exchange.auth.challenge(challenge_);
    // What no route takes ends in 404, whoever asks: no password is worth checking.
    if (exchange.route == nullptr) return Verdict::next();
    const Credentials given = read(exchange);
    if (!given.presented) return Verdict::next();
    if (given.good) {
      const auto known = kept(exchange).find(mark(exchange, given), exchange.loop.now());
      if (!known) return Verdict::wait();
      conclude(exchange, given.username, *known);
    } else {
      exchange.auth.fail(Reason::invalid_credential, "the Basic credentials are malformed");
    }
    if (hide_) hide(exchange);
    return Verdict::next();
  }

  io::Task<Verdict> wait(Exchange& exchange) const override {
    const Credentials given = read(exchange);
    const crypto::Digest checked = mark(exchange, given);
    CheckedPasswords& passwords = kept(exchange);  // busy until settle(): it stays
    std::optional<bool> holds;
    if (passwords.begin(checked)) {
      const identity::PasswordHash& hash = hash_of(given.username);
      const std::string_view password = given.password;
      if (io::Offload* offload = exchange.lease.services.offload)
        holds = co_await offload->run(exchange.loop, [&hash, password] { return password_holds(hash, password); });
      passwords.settle(checked, holds, exchange.loop.now());
    } else {
      holds = co_await passwords.result(checked);  // the same is being checked just now
    }
    if (holds) {
      conclude(exchange, given.username, *holds);
    } else {
      exchange.auth.fail(Reason::auth_unavailable, "no more passwords can be checked just now");
    }
    if (hide_) hide(exchange);
    co_return Verdict::next();
  }

 private:
  static Credentials read(const Exchange& exchange) {
    Credentials out;
    const AuthorizationField found = authorization(exchange.request.fields, "Basic");
    if (found.credentials.empty()) return out;
    out.presented = true;
    std::string text;
    if (found.several || found.credentials.size() > 2 * kLongest || !crypto::from_base64(found.credentials, text))
      return out;
    const std::size_t colon = text.find(':');
    out.good = colon != std::string::npos && text.size() <= kLongest &&
               std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
    if (out.good) {
      out.username = text.substr(0, colon);
      out.password = text.substr(colon + 1);
    }
    crypto::wipe(text);
    return out;
  }

  static CheckedPasswords& kept(Exchange& exchange) {
    return exchange.lease.services.kept->of<CheckedPasswords>(kKept, exchange.loop.now());
  }

  const User* user(std::string_view username) const noexcept {
    return consumers_ == nullptr ? nullptr : consumers_->by_username(username);
  }
  // Unknown names take as long as known ones: the time does not tell who exists.
  const identity::PasswordHash& hash_of(std::string_view username) const noexcept {
    const User* found = user(username);
    return found == nullptr ? nobody_ : found->hash;
  }
  // Of the password and of the hash it is compared with: after a reload with another hash it is checked anew.
  crypto::Digest mark(Exchange& exchange, const Credentials& given) const {
    return kept(exchange).mark({given.username, hash_of(given.username).hash, given.password});
  }

  void conclude(Exchange& exchange, std::string_view username, bool holds) const {
    const User* found = holds ? user(username) : nullptr;
    if (found == nullptr) return exchange.auth.fail(Reason::invalid_credential, kWrong);
    exchange.auth.establish(caller(pipeline::CredentialKind::basic, *found->consumer, found->username));
  }

  static void hide(Exchange& exchange) {
    exchange.request.fields.remove_if([](const http::Field& field) {
      return field.id == http::FieldName::authorization &&
             http::equal_ignoring_case(field.value.substr(0, 6), "Basic ");
    });
  }

  std::string challenge_;
  bool hide_;
  const identity::ConsumerBook* consumers_;
  identity::PasswordHash nobody_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  return std::make_unique<Basic>(fields.string("realm"), fields.boolean("hide_credentials"), context.consumers());
}

}  // namespace

pipeline::FilterSpec basic_spec() {
  return {"basic", pipeline::Phase::auth, "Establishes who calls by user name and password.", schema_of, make};
}

}  // namespace weir::filters
