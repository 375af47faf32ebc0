// How responses begin and how errors become responses (respond.h). Called by gateway/run and the execution filters on
// the exchange's thread. Decides no status: the table in base/error.cc does; writes no bytes: the writer does.
#include "pipeline/respond.h"

#include <charconv>
#include <string>

#include "base/json/json.h"
#include "http/message/date.h"
#include "pipeline/filter.h"
#include "pipeline/request_id.h"

namespace weir::pipeline {
namespace {

// What a filter may say about a refusal (RFC 9110 §10.2.1, §10.2.3, §11.6.1, and the RateLimit fields). All else on
// the response belongs to an answer that is not going to be sent.
bool kept_on_error(const http::Field& field) noexcept {
  constexpr std::string_view kKept[] = {"Allow", "Retry-After", "WWW-Authenticate", "RateLimit", "RateLimit-Policy"};
  return std::ranges::any_of(kKept,
                             [&](std::string_view name) { return http::equal_ignoring_case(field.name, name); });
}

// The registered types for refusals by a limit (draft-ietf-httpapi-ratelimit-headers-11 §6); ours for all others.
std::string_view problem_type(const Exchange& exchange, Reason reason) noexcept {
  const bool by_limit = reason == Reason::rate_limited || reason == Reason::quota_exceeded ||
                        reason == Reason::concurrency_limited || reason == Reason::flooded;
  if (!by_limit || exchange.limited.refused_by().empty()) return {};
  if (reason == Reason::flooded) return "abnormal-usage-detected";
  return exchange.limited.degraded() ? "temporary-reduced-capacity" : "quota-exceeded";
}

void append_type(std::string& out, const Exchange& exchange, const ReasonInfo& info) {
  const std::string_view registered = problem_type(exchange, info.reason);
  if (registered.empty()) {
    out.append(R"({"type":"urn:weir:problem:)").append(info.word).append(1, '"');
    return;
  }
  out.append(R"({"type":"https://iana.org/assignments/http-problem-types#)").append(registered);
  out.append(R"(","violated-policies":[)");
  std::string_view comma;
  for (const Limited::Entry& entry : exchange.limited.entries()) {
    if (entry.decision.allowed) continue;
    append_json_string(out.append(comma), entry.limit->name);
    comma = ",";
  }
  out.append(1, ']');
}

std::string_view problem_json(Exchange& exchange, const ReasonInfo& info, int status, std::string_view detail) {
  char digits[12];
  const auto end = std::to_chars(digits, digits + sizeof digits, status).ptr;
  std::string out;
  out.reserve(320);  // the longest of today's texts with an id of ours is under 300 bytes
  append_type(out, exchange, info);
  out.append(R"(,"title":)");
  append_json_string(out, info.title);
  out.append(R"(,"status":)").append(digits, end);
  if (!detail.empty()) append_json_string(out.append(R"(,"detail":)"), detail);
  out.append(R"(,"reason":")").append(info.word).append(R"(","request_id":)");
  append_json_string(out, exchange.request_id);
  out.append("}\n");
  return exchange.arena.copy(out);
}

// RFC 9110 §6.6.1: an origin server with a clock says when it answered, and whoever has one and forwards a response
// without a Date adds when it came. Both are now.
void date(Exchange& exchange) {
  http::ResponseHead& response = exchange.response;
  if (response.status == 101 || response.fields.find(http::FieldName::date) != nullptr) return;
  const std::int64_t second = exchange.loop.wall_us(exchange.loop.now()) / 1'000'000;
  response.fields.append(http::FieldName::date, exchange.arena.copy(http::date_text(second)));
}

}  // namespace

void begin_response(Exchange& exchange) {
  if (exchange.chain != nullptr)
    for (const Filter* filter : exchange.chain->on_response) filter->on_response(exchange);
  date(exchange);
  exchange.writer.begin(exchange.response);
}

io::Task<Result<void>> send_answer(Exchange& exchange) {
  exchange.response.framing = http::Framing::length;
  exchange.response.content_length = exchange.answer.size();
  begin_response(exchange);
  if (!exchange.answer.empty()) exchange.writer.add(exchange.answer);
  exchange.writer.end();
  co_return co_await exchange.writer.flush();
}

void refuse(Exchange& exchange, Error error) {
  exchange.reason = error.reason;
  exchange.detail = error.detail;
  if (exchange.writer.begun()) return;
  ensure_request_id(exchange);
  const ReasonInfo& about = info(error.reason);
  http::ResponseHead& response = exchange.response;
  const int status = exchange.refusal_status != 0 ? exchange.refusal_status : about.status;
  response.status = status;
  response.upgrade = false;
  response.fields.remove_if([](const http::Field& field) { return !kept_on_error(field); });
  response.fields.append(http::FieldName::content_type, "application/problem+json");
  response.fields.append("Cache-Control", "no-store");
  exchange.answer = problem_json(exchange, about, status, error.detail);
  response.framing = http::Framing::length;
  response.content_length = exchange.answer.size();
}

}  // namespace weir::pipeline
