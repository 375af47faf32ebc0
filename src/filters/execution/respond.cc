// Filter respond: answers with a fixed status and a body from the config, without an upstream. Values of the request
// are escaped as the content type demands, so that an answer cannot be made to carry a client's markup. Exchange's
// thread.
#include "filters/config/config.h"
#include "filters/execution/specs.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Hooks;
using pipeline::Template;
using pipeline::Verdict;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("status", schema::integer(200, 599)).fallback(200).doc("The status code."),
      schema::field("body", schema::string())
          .fallback("")
          .doc("The body, a template. In HTML and JSON the values of variables are escaped; write the quotes around "
               "them yourself: {\"path\": \"${path}\"}."),
      schema::field("content_type", schema::string().min_length(1))
          .fallback("text/plain; charset=utf-8")
          .doc("What the body is; not sent without one."),
      schema::field("headers", schema::map(schema::string()).names(is_field_name))
          .doc("Further header fields, templates; an empty one is left out."),
  });
  return kSchema;
}

Template::Place place_for(std::string_view content_type) noexcept {
  const std::string_view type = content_type.substr(0, content_type.find_first_of("; \t"));
  const auto is = [&](std::string_view one) { return http::equal_ignoring_case(type, one); };
  const auto ends = [&](std::string_view suffix) {
    return type.size() > suffix.size() && http::equal_ignoring_case(type.substr(type.size() - suffix.size()), suffix);
  };
  if (is("application/json") || ends("+json")) return Template::Place::json;
  if (is("text/html") || is("text/xml") || is("application/xml") || ends("+xml")) return Template::Place::html;
  return Template::Place::plain;
}

struct Answer {
  struct Header {
    FieldRef field;
    Template value;
  };
  int status = 200;
  Template body;
  std::string content_type;
  std::vector<Header> headers;
};

class Respond final : public pipeline::Filter {
 public:
  explicit Respond(Answer answer) : answer_(std::move(answer)), place_(place_for(answer_.content_type)) {}

  Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }
  bool always_answers() const noexcept override { return true; }
  std::vector<std::string_view> captures_used() const override {
    std::vector<std::string_view> out;
    answer_.body.captures_used(out);
    for (const Answer::Header& one : answer_.headers) one.value.captures_used(out);
    return out;
  }

  Verdict on_request(Exchange& exchange) const override {
    exchange.response.status = answer_.status;  // before rendering: ${status} is in it
    if (!answer_.body.empty()) {
      exchange.answer = answer_.body.render(exchange, place_);
      exchange.response.fields.append(http::FieldName::content_type, answer_.content_type);
    }
    for (const Answer::Header& one : answer_.headers) {
      if (const auto value = one.value.render(exchange); !value.empty()) {
        one.field.append(exchange.response.fields, value);
      }
    }
    return Verdict::answer();
  }

 private:
  Answer answer_;
  Template::Place place_;
};

void read_headers(const Fields& fields, Answer& out, Problems& problems) {
  for (const Json::Member& one : fields.members("headers")) {
    const std::string path = member_path("headers", one.name);
    auto refused = refused_field(one.name, Side::response);
    if (http::field_name(one.name) == http::FieldName::content_type)
      refused = {"is not set here", "use \"content_type\""};
    if (!refused.message.empty()) {
      problems.push_back({one.name_position, path, std::move(refused.message), std::move(refused.hint)});
      continue;
    }
    const Template::Use use{.response = true, .lines = false};
    out.headers.push_back({field_ref(one.name), read_template(one.value, path, use, problems)});
  }
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  Problems problems;
  Answer answer;
  answer.status = static_cast<int>(fields.integer("status"));
  answer.body = read_template(*fields.find("body"), "body", {.response = true, .lines = true}, problems);
  if (!answer.body.empty() && (answer.status == 204 || answer.status == 205 || answer.status == 304)) {
    problems.push_back(
        fields.problem("body", "a response with status " + std::to_string(answer.status) + " has no body"));
  }
  // A fixed text, but it goes onto the wire: the rules of templates keep control characters out.
  const Template type = read_template(*fields.find("content_type"), "content_type", {}, problems);
  if (!type.constant()) problems.push_back(fields.problem("content_type", "takes no variables"));
  answer.content_type = type.sample();
  read_headers(fields, answer, problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_unique<Respond>(std::move(answer));
}

}  // namespace

pipeline::FilterSpec respond_spec() {
  return {"respond", pipeline::Phase::execution, "Answers with a fixed status and body, without an upstream.",
          schema_of, make};
}

}  // namespace weir::filters
