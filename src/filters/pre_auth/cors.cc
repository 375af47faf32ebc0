// Filter cors: which web pages of other origins may call a route (Fetch standard, "HTTP-CORS protocol"). It answers
// preflights itself and owns the response's Access-Control-* fields: an upstream's are replaced. It runs before auth
// because a preflight never carries credentials (Fetch §3.3.5), so a later filter would refuse each of them.
// Exchange's thread.
//
// It protects the users of browsers, not the upstream: any other client simply sends no Origin.
#include "filters/config/config.h"
#include "filters/pre_auth/cors_origin.h"
#include "filters/pre_auth/specs.h"

namespace weir::filters {
namespace {

using http::FieldName;
using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Verdict;

bool is_name_or_star(std::string_view text, std::string& why) { return text == "*" || is_field_name(text, why); }

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("allow_origins", schema::array(schema::string().named("origin").format(is_origin)).min_items(1))
          .required()
          .doc("Who may call: \"https://app.example.com\", \"https://*.example.com\" for every host below it, or "
               "\"*\" for everybody."),
      schema::field("allow_methods", schema::array(schema::string().named("method").format(is_name_or_star)))
          .fallback(Json::array().push("GET").push("HEAD").push("POST"))
          .doc("Methods a page may use, or \"*\"."),
      schema::field("allow_headers", schema::array(schema::string().named("header name").format(is_name_or_star)))
          .fallback(Json::array())
          .doc("Request headers a page may send beyond the harmless ones (Content-Type: application/json counts), or "
               "\"*\", which browsers do not let stand for Authorization."),
      schema::field("expose_headers", schema::array(schema::string().named("header name").format(is_name_or_star)))
          .fallback(Json::array())
          .doc("Response headers a page may read beyond the harmless ones, or \"*\"."),
      schema::field("allow_credentials", schema::boolean())
          .fallback(false)
          .doc("Pages may send cookies and HTTP authentication. Not together with \"*\" anywhere."),
      schema::field("max_age", schema::duration(std::chrono::milliseconds(0), std::chrono::hours(24)))
          .fallback("10m")
          .doc("How long a browser may keep the answer to a preflight. 24h is the most any browser takes, Chrome "
               "takes "
               "2h; 10m keeps a mistake short."),
      schema::field("allow_private_network", schema::boolean())
          .fallback(false)
          .doc("Pages from the public network may call this private one (Access-Control-Request-Private-Network)."),
  });
  return kSchema;
}

struct Policy {
  Origins origins;
  std::string methods;  // as sent
  std::string headers;
  std::string expose;
  std::string max_age;  // seconds
  bool credentials = false;
  bool private_network = false;
};

const http::Field* origin_of(const Exchange& exchange) noexcept {
  return exchange.request.fields.find(FieldName::origin);
}

bool is_preflight(const Exchange& exchange) noexcept {
  return exchange.request.method == http::Method::options &&
         exchange.request.fields.find(FieldName::access_control_request_method) != nullptr;
}

bool is_access_control(const http::Field& field) noexcept {
  constexpr std::string_view kPrefix = "Access-Control-";
  return field.name.size() > kPrefix.size() &&
         http::equal_ignoring_case(field.name.substr(0, kPrefix.size()), kPrefix);
}

class Cors final : public pipeline::Filter {
 public:
  explicit Cors(Policy policy) : policy_(std::move(policy)) {}

  Hooks hooks() const noexcept override { return {.request = true, .response = true, .finish = false}; }
  bool answers_preflights() const noexcept override { return true; }

  Verdict on_request(Exchange& exchange) const override {
    const http::Field* origin = origin_of(exchange);
    if (origin == nullptr || !is_preflight(exchange)) return Verdict::next();
    if (!policy_.origins.contain(origin->value)) return Verdict::refuse(Reason::cors_denied);
    // A method or header that is not allowed is no refusal: the browser compares, and tells the developer what is
    // missing.
    exchange.response.status = 204;
    exchange.answer = {};
    return Verdict::answer();
  }

  // All fields are set here, on preflights too, so that errors and upstreams' answers get the same ones.
  void on_response(Exchange& exchange) const override {
    http::Fields& fields = exchange.response.fields;
    fields.remove_if(is_access_control);
    const bool preflight = is_preflight(exchange);
    vary(fields, preflight);
    const http::Field* origin = origin_of(exchange);
    if (origin == nullptr || !policy_.origins.contain(origin->value)) return;
    fields.append("Access-Control-Allow-Origin", policy_.origins.all() ? "*" : origin->value);
    if (policy_.credentials) fields.append("Access-Control-Allow-Credentials", "true");
    if (!preflight) {
      if (!policy_.expose.empty()) fields.append("Access-Control-Expose-Headers", policy_.expose);
      return;
    }
    if (!policy_.methods.empty()) fields.append("Access-Control-Allow-Methods", policy_.methods);
    if (!policy_.headers.empty()) fields.append("Access-Control-Allow-Headers", policy_.headers);
    fields.append("Access-Control-Max-Age", policy_.max_age);
    const http::Field* network = exchange.request.fields.find("Access-Control-Request-Private-Network");
    if (policy_.private_network && network != nullptr && network->value == "true") {
      fields.append("Access-Control-Allow-Private-Network", "true");
    }
  }

 private:
  // A cache must not give one origin's response to another (Fetch §3.3.4), also where this request had no origin.
  void vary(http::Fields& fields, bool preflight) const {
    if (preflight) {
      fields.append(FieldName::vary, "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
      return;
    }
    if (policy_.origins.all()) return;
    for (const http::Field& field : fields) {
      if (field.id == FieldName::vary && (field.value == "*" || http::equal_ignoring_case(field.value, "Origin"))) {
        return;
      }
    }
    fields.append(FieldName::vary, "Origin");
  }

  Policy policy_;
};

std::string joined(const Json::Array& items) {
  std::string out;
  for (const Json& item : items) out.append(out.empty() ? "" : ", ").append(item.as_string());
  return out;
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  Policy policy;
  policy.credentials = fields.boolean("allow_credentials");
  Problems problems;
  for (const std::string_view list : {"allow_origins", "allow_methods", "allow_headers", "expose_headers"}) {
    const Json::Array& items = fields.items(list);
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!policy.credentials || items[i].as_string() != "*") continue;
      problems.push_back(fields.problem(list, i, "\"*\" cannot stand together with allow_credentials",
                                        "browsers take it for no wildcard then; list what is allowed"));
    }
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  policy.origins = Origins(fields.strings("allow_origins"));
  policy.methods = joined(fields.items("allow_methods"));
  policy.headers = joined(fields.items("allow_headers"));
  policy.expose = joined(fields.items("expose_headers"));
  policy.max_age =
      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(fields.duration("max_age")).count());
  policy.private_network = fields.boolean("allow_private_network");
  return std::make_unique<Cors>(std::move(policy));
}

}  // namespace

pipeline::FilterSpec cors_spec() {
  return {"cors", pipeline::Phase::pre_auth, "Lets web pages of other origins call a route.", schema_of, make};
}

}  // namespace weir::filters
