#include "control/api/message/problem.h"

#include <array>

#include "control/api/message/precondition.h"

namespace weir::control::api {
namespace {

constexpr std::array<WhyInfo, kWhyCount> kTable = {{
    {Why::bad_request, "bad_request", 400, "The request cannot be understood."},
    {Why::unauthenticated, "unauthenticated", 401, "A token is needed, and it must hold."},
    {Why::forbidden, "forbidden", 403, "This operator may not do that."},
    {Why::host_not_allowed, "host_not_allowed", 403, "The admin API is not reached by this name."},
    {Why::not_found, "not_found", 404, "There is no such thing."},
    {Why::method_not_allowed, "method_not_allowed", 405, "This method has no meaning here."},
    {Why::exists, "exists", 409, "There is one of that name already."},
    {Why::stale, "stale", 412, "Somebody changed it meanwhile."},
    {Why::too_large, "too_large", 413, "The request is too large."},
    {Why::media_type, "media_type", 415, "The body is of another type."},
    {Why::invalid, "invalid", 422, "What the body says cannot be."},
    {Why::not_publishable, "not_publishable", 422, "This cannot be published."},
    {Why::key_reused, "idempotency_key_reused", 422, "The Idempotency-Key belongs to another request."},
    {Why::precondition_required, "precondition_required", 428, "A write must say which version it changes."},
    {Why::throttled, "throttled", 429, "Too many failed logins from this address."},
    {Why::busy, "busy", 503, "Too many requests wait already."},
    {Why::store_unavailable, "store_unavailable", 503, "The database is away; traffic is not affected."},
    {Why::store_read_only, "store_read_only", 503, "The database takes no writes; traffic is not affected."},
    {Why::store_outdated, "store_outdated", 503, "The database has another schema; traffic is not affected."},
    {Why::internal, "internal", 500, "The control plane failed; traffic is not affected."},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i)
    if (static_cast<std::size_t>(kTable[i].why) != i) return false;
  return true;
}
static_assert(in_order());

Why why_of(StoreError::Kind kind) noexcept {
  switch (kind) {
    case StoreError::Kind::unavailable:
      return Why::store_unavailable;
    case StoreError::Kind::read_only:
      return Why::store_read_only;
    case StoreError::Kind::outdated:
      return Why::store_outdated;
    case StoreError::Kind::broken:
      break;
  }
  return Why::internal;
}

Why why_of(Objection::Kind kind) noexcept {
  switch (kind) {
    case Objection::Kind::invalid:
      return Why::invalid;
    case Objection::Kind::exists:
      return Why::exists;
    case Objection::Kind::absent:
    case Objection::Kind::unknown_filter:
      return Why::not_found;
    case Objection::Kind::stale:
      return Why::stale;
    case Objection::Kind::unconditional:
      return Why::precondition_required;
    case Objection::Kind::forbidden:
      return Why::forbidden;
    case Objection::Kind::unpublishable:
      return Why::not_publishable;
    case Objection::Kind::store:
      break;
  }
  return Why::internal;
}

}  // namespace

const WhyInfo& info(Why why) noexcept { return kTable[static_cast<std::size_t>(why)]; }

std::unexpected<Refusal> refuse(Why why, std::string detail) {
  return std::unexpected(Refusal{.why = why, .detail = std::move(detail)});
}

std::unexpected<Refusal> refuse(Why why, FieldProblem error) {
  Refusal out{.why = why, .detail = {}};
  out.detail = error.field.empty() ? error.message : error.field + ": " + error.message;
  out.errors.push_back(std::move(error));
  return std::unexpected(std::move(out));
}

Refusal refusal(const StoreError& error) {
  Refusal out{.why = why_of(error.kind), .detail = error.message};
  // A database that restarts or is promoted needs some seconds.
  if (info(out.why).status == 503) out.fields.emplace_back("Retry-After", "5");
  return out;
}

Refusal refusal(const Objection& objection) {
  if (objection.kind == Objection::Kind::store) return refusal(objection.store);
  Refusal out{.why = why_of(objection.kind), .detail = objection.message};
  for (const Finding& finding : objection.findings) out.errors.push_back(field_problem(finding));
  if (objection.current != 0) out.fields.emplace_back("ETag", etag(objection.current));
  return out;
}

FieldProblem field_problem(const Finding& finding) {
  return {.kind = finding.kind ? std::string(word(*finding.kind)) : std::string(),
          .name = finding.name,
          .field = finding.field,
          .message = finding.message,
          .hint = finding.hint,
          .severity = std::string(word(finding.severity)),
          .rule = finding.rule};
}

Json to_json(const FieldProblem& problem) {
  Json out = Json::object();
  if (!problem.kind.empty()) out.set("kind", problem.kind);
  if (!problem.name.empty()) out.set("name", problem.name);
  out.set("field", problem.field).set("message", problem.message);
  if (!problem.hint.empty()) out.set("hint", problem.hint);
  if (!problem.severity.empty()) out.set("severity", problem.severity);
  if (!problem.rule.empty()) out.set("rule", problem.rule);
  return out;
}

ApiResponse respond(const Refusal& refusal) {
  const WhyInfo& about = info(refusal.why);
  Json body = Json::object();
  const int status = refusal.status != 0 ? refusal.status : about.status;
  body.set("type", "urn:weir:problem:" + std::string(about.word)).set("title", about.title).set("status", status);
  if (!refusal.detail.empty()) body.set("detail", refusal.detail);
  if (!refusal.errors.empty()) {
    Json errors = Json::array();
    for (const FieldProblem& error : refusal.errors) errors.push(to_json(error));
    body.set("errors", std::move(errors));
  }
  ApiResponse out;
  out.status = status;
  out.type = "application/problem+json";
  out.body = to_pretty(body) + '\n';
  out.fields = refusal.fields;
  return out;
}

}  // namespace weir::control::api
