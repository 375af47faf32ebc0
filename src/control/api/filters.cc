// Which filters there are, and putting one on a route, an upstream, a consumer or a group with a single call.
#include <fmt/format.h>

#include "base/json/nearest.h"
#include "control/api/handlers.h"
#include "control/api/message/precondition.h"
#include "control/audit.h"

namespace weir::control::api {
namespace {

Json describe(const pipeline::FilterSpec& spec) {
  Json out = Json::object();
  out.set("name", spec.name).set("phase", text(spec.phase)).set("summary", spec.summary);
  return out.set("schema", to_json_schema(spec.schema(), spec.name));
}

// The entry of an object's plugin_chain; nullptr: it has none of this name.
const Json* entry(const Json& body, std::string_view filter) {
  const Json* chain = body.find("plugin_chain");
  if (chain == nullptr) return nullptr;
  for (const Json& one : chain->items()) {
    const Json* name = one.find("name");
    if ((name != nullptr ? name->as_string() : one.as_string()) == filter) return &one;
  }
  return nullptr;
}

ApiResponse attached(const Call& call, const Changed& done) {
  const Json* one = entry(done.object.body, call.parameter("filter"));
  ApiResponse out = answer(one != nullptr ? *one : Json::object());
  if (!call.dry_run) out.fields.emplace_back("ETag", etag(done.object.version));
  return out;
}

}  // namespace

Outcome<ApiResponse> list_filters(Call& call) {
  Json items = Json::array();
  for (const pipeline::FilterSpec& spec : call.means.rules.schemas.filters()) items.push(describe(spec));
  return answer(Json::object().set("items", std::move(items)));
}

Outcome<ApiResponse> get_filter(Call& call) {
  const std::string& name = call.parameter("filter");
  if (const pipeline::FilterSpec* spec = call.means.rules.schemas.filter(name)) return answer(describe(*spec));
  std::vector<std::string_view> known;
  for (const pipeline::FilterSpec& spec : call.means.rules.schemas.filters()) known.push_back(spec.name);
  return refuse(Why::not_found, {.field = "filter",
                                 .message = fmt::format("there is no filter `{}`", name),
                                 .hint = did_you_mean(name, known, "filters")});
}

Outcome<ApiResponse> get_attached(Call& call, StoreView& view) {
  const auto found = of(view.object(call.kind(), call.parameter("name")));
  if (!found) return std::unexpected(found.error());
  if (!*found)
    return refuse(Why::not_found, fmt::format("there is no {} `{}`", word(call.kind()), call.parameter("name")));
  const Object& object = **found;
  const bool whole = may_write(call.author.who, object.kind, object.body);
  const Json body = whole ? object.body : redacted(object.kind, object.body);
  const Json* one = entry(body, call.parameter("filter"));
  if (one == nullptr)
    return refuse(Why::not_found, fmt::format("{} `{}` has no filter `{}` of its own", word(object.kind), object.name,
                                              call.parameter("filter")));
  ApiResponse out = answer(*one);
  out.fields.emplace_back("ETag", etag(object.version));
  if (not_modified(call.request, object.version)) out.status = 304;
  return out;
}

Outcome<ApiResponse> attach_filter(Call& call, StoreWriter& writer) {
  const auto wanted = expected(call.request, {.kind = Expected::Kind::any});
  if (!wanted) return std::unexpected(wanted.error());
  const auto done = of(
      draft(call, writer).attach(call.kind(), call.parameter("name"), call.parameter("filter"), call.body, *wanted));
  if (!done) return std::unexpected(done.error());
  return attached(call, *done);
}

Outcome<ApiResponse> detach_filter(Call& call, StoreWriter& writer) {
  const auto wanted = expected(call.request, {.kind = Expected::Kind::any});
  if (!wanted) return std::unexpected(wanted.error());
  const auto done =
      of(draft(call, writer).detach(call.kind(), call.parameter("name"), call.parameter("filter"), *wanted));
  if (!done) return std::unexpected(done.error());
  ApiResponse out;
  out.status = 204;
  if (!call.dry_run) out.fields.emplace_back("ETag", etag(done->object.version));
  return out;
}

}  // namespace weir::control::api
