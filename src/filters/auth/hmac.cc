// Filter hmac: who calls, by a request signed with a shared secret: HTTP Message Signatures (RFC 9421) with
// hmac-sha256. The secret never travels; what is signed cannot be changed on the way, and a signed request is
// accepted once. It does not read the body: the digest of it is signed, the service compares. Exchange's thread.
#include <algorithm>

#include "base/json/fields.h"
#include "crypto/digest.h"
#include "filters/auth/caller.h"
#include "filters/auth/http_signature.h"
#include "filters/auth/specs.h"
#include "identity/seen.h"
#include "pipeline/make_context.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;
using schema::field;
using namespace std::chrono_literals;

bool is_component(std::string_view text, std::string& why) {
  why =
      "expected @method, @target-uri, @authority, @scheme, @request-target, @path, @query or a header's name in "
      "lower case";
  if (text.starts_with('@')) {
    constexpr std::string_view kDerived[] = {"@method",         "@target-uri", "@authority", "@scheme",
                                             "@request-target", "@path",       "@query"};
    return std::ranges::find(kDerived, text) != std::end(kDerived);
  }
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      field("required_components",
            schema::array(schema::string().named("component").format(is_component)).unique().min_items(1))
          .fallback(Json(Json::Array{"@method", "@authority", "@path", "@query"}))
          .doc("What must be signed. @target-uri counts for @scheme, @authority, @path and @query."),
      field("max_age", schema::duration(1s, 1h))
          .fallback("5m")
          .doc("How old a signature may be, by its `created`, which must be there."),
      field("clock_skew", schema::duration(0s, 5min)).fallback("30s").doc("How far the client's clock may be ahead."),
      field("content_digest", schema::boolean())
          .fallback(false)
          .doc("true: a request with a body must have a signed Content-Digest (RFC 9530). Weir does not read the "
               "body: "
               "the service must compare."),
      field("replays", schema::string().words({"refuse", "accept"}))
          .fallback("refuse")
          .doc(
              "What becomes of a signature that was used before on this instance. A client that sends equal requests "
              "within a second adds a `nonce`."),
      realm_field(),
  });
  return kSchema;
}

struct Settings {
  std::vector<std::string> required;
  std::int64_t max_age = 300, skew = 30;  // seconds
  bool content_digest = false;
  bool once = true;
  std::string challenge;
  const identity::ConsumerBook* consumers = nullptr;
};

class Hmac final : public pipeline::Filter {
 public:
  explicit Hmac(Settings settings) : settings_(std::move(settings)) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    exchange.auth.challenge(settings_.challenge);
    const auto found = read_signature(exchange.request.fields, &Hmac::knows, this);
    if (!found) {
      exchange.auth.fail(Reason::invalid_credential, found.error());
    } else if (*found) {
      if (const std::string_view wrong = judge(exchange, **found); !wrong.empty())
        exchange.auth.fail(Reason::invalid_credential, wrong);
    }
    return Verdict::next();
  }

 private:
  using Key = identity::ConsumerBook::SigningKey;

  static bool knows(const void* self, std::string_view key_id) {
    const auto* consumers = static_cast<const Hmac*>(self)->settings_.consumers;
    return consumers != nullptr && consumers->by_key_id(key_id) != nullptr;
  }

  static bool covers(const HttpSignature& signature, std::string_view component) noexcept {
    const auto covered = signature.covered();
    if (std::ranges::find(covered, component) != covered.end()) return true;
    const bool of_target =
        component == "@scheme" || component == "@authority" || component == "@path" || component == "@query";
    return of_target && std::ranges::find(covered, std::string_view("@target-uri")) != covered.end();
  }

  std::string_view in_time(const HttpSignature& signature, std::int64_t now) const noexcept {
    if (!signature.created) return "the signature has no created time";
    if (*signature.created > now + settings_.skew)
      return "the signature is from the future; look at the client's clock";
    if (*signature.created + settings_.max_age < now) return "the signature is too old";
    if (signature.expires && *signature.expires < now) return "the signature has expired";
    return {};
  }

  // What is wrong; empty: established. Cheap checks first, the hash after them, the memory of replays last: nobody
  // without the secret gets that far.
  std::string_view judge(Exchange& exchange, const HttpSignature& signature) const {
    const std::int64_t now = exchange.wall_started_us / 1'000'000;
    // RFC 9421 §3.3.3; the algorithm is the key's, whatever the message says.
    if (!signature.algorithm.empty() && signature.algorithm != "hmac-sha256")
      return "the signature's algorithm is not the key's";
    if (const std::string_view wrong = in_time(signature, now); !wrong.empty()) return wrong;
    for (const std::string& component : settings_.required)
      if (!covers(signature, component)) return "the signature does not cover all that it must";
    const bool body = exchange.request.framing != http::Framing::none;
    if (settings_.content_digest && body && !covers(signature, "content-digest"))
      return "the signature does not cover the digest of the body";
    const auto base = signature_base(exchange, signature);
    if (!base) return base.error();
    const Key& key = *settings_.consumers->by_key_id(signature.key_id);
    const crypto::Digest mac = crypto::Mac(key.secret)(*base);
    if (!crypto::equal_in_constant_time(
            mac, {reinterpret_cast<const unsigned char*>(signature.signature.data()), signature.signature.size()}))
      return "the signature does not fit the request";
    if (settings_.once && exchange.lease.services.signatures != nullptr &&
        !exchange.lease.services.signatures->add(mac, now, *signature.created + settings_.max_age + 1))
      return "the signature was used before";
    exchange.auth.establish(caller(pipeline::CredentialKind::hmac, *key.consumer, key.key_id));
    return {};
  }

  Settings settings_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  Settings settings;
  settings.required = fields.strings("required_components");
  settings.max_age = std::chrono::duration_cast<std::chrono::seconds>(fields.duration("max_age")).count();
  settings.skew = std::chrono::duration_cast<std::chrono::seconds>(fields.duration("clock_skew")).count();
  settings.content_digest = fields.boolean("content_digest");
  settings.once = fields.string("replays") == "refuse";
  settings.challenge = challenge_text("Signature", fields.string("realm"));
  settings.consumers = context.consumers();
  return std::make_unique<Hmac>(std::move(settings));
}

}  // namespace

pipeline::FilterSpec hmac_spec() {
  return {"hmac", pipeline::Phase::auth, "Establishes who calls by a signed request (RFC 9421).", schema_of, make};
}

}  // namespace weir::filters
