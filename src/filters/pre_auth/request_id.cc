// Filter request_id: gives every request an id, tells it to the upstream and, as an echo, to the client. The same id
// is in the access log and in every error response. An id from outside is used only if a trusted proxy sent it and it
// is harmless in any log. Exchange's thread.
#include "pipeline/request_id.h"

#include <algorithm>

#include "filters/config/config.h"
#include "filters/pre_auth/specs.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Verdict;

// Three times a UUID with room for a prefix; longer ones are no ids but payloads for the log.
constexpr std::size_t kLongest = 128;

bool harmless(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kLongest && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("header", schema::string().named("header name").format(is_field_name))
          .fallback("X-Request-Id")
          .doc("The header field that carries the id, to the upstream and back to the client."),
      schema::field("trust_inbound", schema::string().words({"never", "trusted_proxies"}))
          .fallback("trusted_proxies")
          .doc(
              "Whose ids are kept: those of peers in `trusted_proxies`, or nobody's. A kept id has 1 to 128 letters, "
              "digits, \".\", \"_\" and \"-\"; any other is replaced by a new one."),
      schema::field("echo", schema::boolean()).fallback(true).doc("Send the id to the client as well."),
  });
  return kSchema;
}

class RequestId final : public pipeline::Filter {
 public:
  RequestId(FieldRef header, bool trust, bool echo) : header_(std::move(header)), trust_(trust), echo_(echo) {}

  Hooks hooks() const noexcept override { return {.request = true, .response = echo_, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    const http::Field* inbound = trust_ && exchange.peer_trusted ? header_.find(exchange.request.fields) : nullptr;
    if (inbound != nullptr && harmless(inbound->value)) exchange.request_id = inbound->value;
    pipeline::ensure_request_id(exchange);
    header_.set(exchange.request.fields, exchange.request_id);
    return Verdict::next();
  }

  void on_response(Exchange& exchange) const override {
    pipeline::ensure_request_id(exchange);  // refused before this filter's turn
    header_.set(exchange.response.fields, exchange.request_id);
  }

 private:
  FieldRef header_;
  bool trust_;
  bool echo_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  const std::string_view name = fields.string("header");
  if (auto refused = refused_field(name, Side::request); !refused.message.empty()) {
    return std::unexpected(Problems{fields.problem("header", refused.message, refused.hint)});
  }
  return std::make_unique<RequestId>(field_ref(name), fields.string("trust_inbound") == "trusted_proxies",
                                     fields.boolean("echo"));
}

}  // namespace

pipeline::FilterSpec request_id_spec() {
  return {"request_id",
          pipeline::Phase::pre_auth,
          "Gives every request an id: in the log, upstream and to the client.",
          schema_of,
          make,
          -1};
}

}  // namespace weir::filters
