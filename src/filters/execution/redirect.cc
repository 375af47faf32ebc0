// Filter redirect: sends the client elsewhere, without an upstream. Values of the request cannot end the Location
// field, nor choose another host than the template does. Exchange's thread.
#include "filters/config/config.h"
#include "filters/execution/specs.h"
#include "http/message/uri.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Template;
using pipeline::Verdict;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("to", schema::string().min_length(1))
          .doc("Where to, a template: \"https://${host}${path}${query}\" or \"/new${path}\". Either this or "
               "`scheme`."),
      schema::field("scheme", schema::string().words({"https", "http"}))
          .doc("The same host, path and query under another scheme, on its default port. A request that has the "
               "scheme "
               "already goes on to the upstream."),
      schema::field("status", schema::integer(301, 308))
          .fallback(302)
          .doc("301 and 308 are for good and kept by browsers; 302 and 307 are for now; 303 says \"look there with "
               "GET\". Only 307 and 308 keep the method and the body of a POST."),
  });
  return kSchema;
}

// Where a browser would go for `location`: the part between "//" and the path, if there is one.
struct Target {
  bool has_authority = false;
  std::string_view authority;
};

Target target_of(std::string_view location) noexcept {
  if (location.starts_with('/')) {
    // Browsers read "//host" and "/\host" as another host (WHATWG URL, relative slash state).
    const bool elsewhere = location.size() > 1 && (location[1] == '/' || location[1] == '\\');
    return {elsewhere, {}};
  }
  const std::size_t at = location.find("://");
  if (at == std::string_view::npos) return {true, {}};
  const std::string_view rest = location.substr(at + 3);
  return {true, rest.substr(0, rest.find_first_of("/?#\\"))};
}

// A path of this host, or a URL whose host is a host: "https:///evil.example/" is one to evil.example for browsers.
bool is_safe(std::string_view location) {
  const Target target = target_of(location);
  if (!target.has_authority) return true;
  std::string scratch;
  const auto authority = http::parse_authority(target.authority, scratch);
  return authority && !authority->host.empty();
}

class Redirect final : public pipeline::Filter {
 public:
  Redirect(int status, Template to, std::string_view scheme)
      : status_(status), to_(std::move(to)), by_scheme_(!scheme.empty()), secure_(scheme == "https") {}

  Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }
  bool always_answers() const noexcept override { return !by_scheme_; }
  std::vector<std::string_view> captures_used() const override {
    std::vector<std::string_view> out;
    to_.captures_used(out);
    return out;
  }

  Verdict on_request(Exchange& exchange) const override {
    if (by_scheme_ && exchange.secure == secure_) return Verdict::next();
    const std::string_view location = to_.render(exchange, Template::Place::location);
    if (!is_safe(location)) return Verdict::refuse(Reason::bad_request, "the request makes no valid redirect");
    exchange.response.status = status_;
    exchange.response.fields.append(http::FieldName::location, location);
    exchange.answer = {};
    return Verdict::answer();
  }

 private:
  int status_;
  Template to_;
  bool by_scheme_;
  bool secure_;  // the scheme to go to, if by_scheme_
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  Problems problems;
  const auto status = static_cast<int>(fields.integer("status"));
  if (status > 303 && status < 307) {
    problems.push_back(
        fields.problem("status", std::to_string(status) + " is no redirect", "301, 302, 303, 307 or 308"));
  }
  const std::string_view scheme = fields.string("scheme");
  Template to;
  if (fields.has("to") == fields.has("scheme")) {
    problems.push_back({config.position, {}, "needs either \"to\" or \"scheme\"", {}});
  } else if (fields.has("to")) {
    to = read_template(*fields.find("to"), "to", {}, problems);
    if (!to.empty() && !is_safe(to.sample())) {
      problems.push_back(fields.problem("to", "is neither a path nor a URL with a host",
                                        "such as \"/new${path}\" or \"https://${host}${path}${query}\""));
    }
  } else {
    to = *Template::parse(scheme == "https" ? "https://${host}${path}${query}" : "http://${host}${path}${query}", {});
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_unique<Redirect>(status, std::move(to), scheme);
}

}  // namespace

pipeline::FilterSpec redirect_spec() {
  return {"redirect", pipeline::Phase::execution, "Sends the client to another URL.", schema_of, make};
}

}  // namespace weir::filters
