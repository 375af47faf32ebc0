// Filter access_log: one JSON line for every exchange, those that were refused or malformed too. The fields are a
// closed set, see docs/filters/access_log.md; a field without a value is left out. The line is made in a buffer the
// thread keeps, and handed to the log sink, which copies it. Exchange's thread.
#include "filters/config/config.h"
#include "filters/post_execution/access_record.h"
#include "filters/post_execution/specs.h"
#include "ports/log_sink.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Hooks;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      schema::field("query", schema::string().words({"keep", "redact", "drop"}))
          .fallback("keep")
          .doc("What becomes of the query: kept with the values of secret parameters replaced, every value replaced, "
               "or not logged at all."),
      schema::field("secret_parameters", schema::array(schema::string().min_length(1)))
          .fallback(Json::array())
          .doc("Query parameters whose values are never logged, besides access_token, api_key, apikey, code, key, "
               "password, secret, sig, signature and token. Case does not matter."),
      schema::field("request_headers", schema::array(schema::string().named("header name").format(is_field_name)))
          .fallback(Json::array())
          .doc("Request headers to log, as the upstream saw them."),
      schema::field("response_headers", schema::array(schema::string().named("header name").format(is_field_name)))
          .fallback(Json::array())
          .doc("Response headers to log, as the client saw them."),
  });
  return kSchema;
}

class AccessLog final : public pipeline::Filter {
 public:
  explicit AccessLog(RecordFormat format) : format_(std::move(format)) {}

  Hooks hooks() const noexcept override { return {.request = false, .response = false, .finish = true}; }

  void on_finish(Exchange& exchange) const override {
    if (exchange.lease.access_log == nullptr) return;
    // Why: a thread_local with a constructor. It runs at the first record of each worker, and reuse is the point.
    thread_local RecordLine line;
    line.clear();
    append_record(line, exchange, format_);
    exchange.lease.access_log->append(line.view());
    // One line of 64 KiB (the largest head, escaped) must not pin that memory for good.
    if (line.capacity() > 16 * 1024) line = {};
  }

 private:
  RecordFormat format_;
};

void read_headers(const Fields& fields, std::string_view list, std::vector<RecordFormat::Header>& out,
                  Problems& problems) {
  constexpr std::string_view kSecret[] = {"Authorization", "Cookie", "Proxy-Authorization", "Set-Cookie",
                                          "X-API-Key"};
  const Json::Array& items = fields.items(list);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::string_view name = items[i].as_string();
    if (std::ranges::any_of(kSecret, [&](std::string_view one) { return http::equal_ignoring_case(one, name); })) {
      problems.push_back(
          fields.problem(list, i, "\"" + std::string(name) + "\" carries secrets and is never logged"));
    }
    out.push_back({field_ref(name), json_key(name)});
  }
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  Problems problems;
  RecordFormat format;
  const std::string_view query = fields.string("query");
  format.query = query == "drop" ? QueryLog::drop : query == "redact" ? QueryLog::redact : QueryLog::keep;
  for (const std::string& name : fields.strings("secret_parameters")) format.add_secret(name);
  read_headers(fields, "request_headers", format.request_headers, problems);
  read_headers(fields, "response_headers", format.response_headers, problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_unique<AccessLog>(std::move(format));
}

}  // namespace

pipeline::FilterSpec access_log_spec() {
  return {
      "access_log", pipeline::Phase::post_execution, "Writes one JSON line about every request.", schema_of, make, 1};
}

}  // namespace weir::filters
