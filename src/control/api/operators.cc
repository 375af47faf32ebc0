// Operators and their tokens. A token's text is in one answer and nowhere else.
#include <fmt/format.h>

#include <algorithm>

#include "base/json/fields.h"
#include "base/json/quantity.h"
#include "control/api/handlers.h"
#include "control/api/message/precondition.h"
#include "control/api/message/time.h"
#include "control/changes/operator_changes.h"

namespace weir::control::api {
namespace {

using namespace std::chrono_literals;
using schema::field;

const Schema& operator_schema() {
  static const Schema kSchema = schema::object({
      field("name", schema::string().min_length(1).max_length(128)),
      field("role", schema::string().words({"viewer", "developer", "platform", "auditor"})),
      field("teams", schema::array(schema::string().min_length(1).max_length(128)).max_items(64).unique()),
      field("disabled", schema::boolean()),
  });
  return kSchema;
}

const Schema& token_schema() {
  static const Schema kSchema = schema::object({
      field("expires_in", schema::duration(1min)),
  });
  return kSchema;
}

OperatorWish wish(const Call& call) {
  const Fields fields(call.body, operator_schema());
  OperatorWish out;
  if (fields.has("role")) out.role = role_of(fields.string("role"));
  if (fields.has("teams")) out.teams = fields.strings("teams");
  if (fields.has("disabled")) out.disabled = fields.boolean("disabled");
  return out;
}

ApiResponse shown(const Call& call, const Operator& who, int status) {
  ApiResponse out = answer(to_json(who), status);
  if (!call.dry_run) out.fields.emplace_back("ETag", etag(who.version));
  return out;
}

std::unexpected<Refusal> absent(std::string_view name) {
  return refuse(Why::not_found, fmt::format("there is no operator `{}`", name));
}

}  // namespace

Outcome<void> refuse_repetition(const Call& call) {
  if (call.request.field("idempotency-key") == nullptr) return {};
  return refuse(Why::bad_request, {.field = "Idempotency-Key",
                                   .message = "is not taken here: the answer holds a secret, which is kept nowhere",
                                   .hint = "if the answer was lost, remove what it made and make another"});
}

Outcome<ApiResponse> who_am_i(Call& call) {
  const Operator& who = call.author.who;
  Json teams = Json::array();
  for (const std::string& team : who.teams) teams.push(team);
  Json out = Json::object();
  return answer(out.set("name", who.name).set("role", word(who.role)).set("teams", std::move(teams)));
}

Outcome<ApiResponse> list_operators(Call&, StoreView& view) {
  const auto all = of(view.operators());
  if (!all) return std::unexpected(all.error());
  Json items = Json::array();
  for (const Operator& who : *all) items.push(to_json(who));
  return answer(Json::object().set("items", std::move(items)));
}

Outcome<ApiResponse> get_operator(Call& call, StoreView& view) {
  const auto found = of(view.find_operator(call.parameter("name")));
  if (!found) return std::unexpected(found.error());
  if (!*found) return absent(call.parameter("name"));
  ApiResponse out = shown(call, **found, 200);
  if (not_modified(call.request, (*found)->version)) out.status = 304;
  return out;
}

Outcome<ApiResponse> create_operator(Call& call, StoreWriter& writer) {
  if (auto good = check_body(call, operator_schema()); !good) return std::unexpected(good.error());
  const Json* name = call.body.find("name");
  if (name == nullptr) return refuse(Why::invalid, {.kind = "operator", .field = "name", .message = "is missing"});
  const auto done = of(OperatorChanges(writer, call.author).create(name->as_string(), wish(call)));
  if (!done) return std::unexpected(done.error());
  ApiResponse out = shown(call, *done, 201);
  out.fields.emplace_back("Location", fmt::format("/v1/operators/{}", done->name));
  return out;
}

Outcome<ApiResponse> patch_operator(Call& call, StoreWriter& writer) {
  if (auto good = check_body(call, operator_schema()); !good) return std::unexpected(good.error());
  const std::string& name = call.parameter("name");
  if (const Json* said = call.body.find("name"); said != nullptr && said->as_string() != name)
    return refuse(Why::invalid, {.kind = "operator",
                                 .name = name,
                                 .field = "name",
                                 .message = "cannot be changed",
                                 .hint = "the audit log knows operators by their names; make another"});
  const auto wanted = expected(call.request);
  if (!wanted) return std::unexpected(wanted.error());
  const auto done = of(OperatorChanges(writer, call.author).change(name, wish(call), *wanted));
  if (!done) return std::unexpected(done.error());
  return shown(call, *done, 200);
}

Outcome<ApiResponse> delete_operator(Call& call, StoreWriter& writer) {
  const auto wanted = expected(call.request);
  if (!wanted) return std::unexpected(wanted.error());
  const auto done = of(OperatorChanges(writer, call.author).remove(call.parameter("name"), *wanted));
  if (!done) return std::unexpected(done.error());
  ApiResponse out;
  out.status = 204;
  return out;
}

Outcome<ApiResponse> create_token(Call& call, StoreWriter& writer) {
  if (auto once = refuse_repetition(call); !once) return std::unexpected(once.error());
  if (auto good = check_body(call, token_schema()); !good) return std::unexpected(good.error());
  std::int64_t expires = 0;
  if (const Json* in = call.body.find("expires_in"))
    expires = call.author.at_ms / 1000 +
              std::chrono::duration_cast<std::chrono::seconds>(*parse_duration(in->as_string())).count();
  const auto done = of(OperatorChanges(writer, call.author).add_token(call.parameter("name"), expires));
  if (!done) return std::unexpected(done.error());
  Json out = Json::object();
  out.set("id", done->token.id).set("operator", call.parameter("name")).set("token", done->text);
  if (done->token.expires != 0) out.set("expires", time_text(done->token.expires));
  return answer(out, 201);
}

Outcome<ApiResponse> delete_token(Call& call, StoreWriter& writer) {
  const auto done =
      of(OperatorChanges(writer, call.author).remove_token(call.parameter("name"), call.parameter("id")));
  if (!done) return std::unexpected(done.error());
  ApiResponse out;
  out.status = 204;
  return out;
}

}  // namespace weir::control::api
