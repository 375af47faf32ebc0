// Objects of the draft: lists, single ones, and batches of changes.
#include <fmt/format.h>

#include <array>

#include "control/api/handlers.h"
#include "control/api/message/precondition.h"
#include "control/api/message/time.h"
#include "control/audit.h"

namespace weir::control::api {
namespace {

using schema::field;

// A batch is one transaction that other writers wait for: all of a large fleet's config, not more.
constexpr std::size_t kMostOperations = 200'000;

Json without(const Json& object, std::initializer_list<std::string_view> names) {
  Json out = Json::object();
  for (const Json::Member& member : object.members())
    if (std::ranges::find(names, member.name) == names.end()) out.set(member.name, member.value);
  return out;
}

// What a caller may see of it: hashes of passwords and the like only who could change them, and sealed texts only who
// asks for them, too. What is sealed in them nobody.
Json shown(const Call& call, const Object& object, bool sealed = false) {
  const bool writes = may_write(call.author.who, object.kind, object.body);
  Json out = writes && sealed                   ? object.body
             : object.kind == Kind::secret      ? without(object.body, {"value"})
             : object.kind == Kind::certificate ? without(object.body, {"key"})
             : writes                           ? object.body
                                                : redacted(object.kind, object.body);
  Json meta = Json::object();
  meta.set("version", static_cast<std::int64_t>(object.version));
  meta.set("updated_at", time_text_ms(object.updated_at)).set("updated_by", object.updated_by);
  return out.set("_meta", std::move(meta));
}

// What was read may be sent back changed, with what we had added.
Json sent_body(const Call& call) { return without(call.body, {"_meta", "_revision"}); }

std::string location(Kind kind, std::string_view name) {
  std::string out = fmt::format("/v1/{}/", collection(kind));
  for (const char c : name) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       std::string_view("-._~").contains(c);
    if (plain)
      out += c;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

ApiResponse changed(const Call& call, const Changed& change) {
  const bool created = change.what == Changed::What::created;
  ApiResponse out = answer(shown(call, change.object), created ? 201 : 200);
  if (!call.dry_run) out.fields.emplace_back("ETag", etag(change.object.version));
  if (created) out.fields.emplace_back("Location", location(change.object.kind, change.object.name));
  return out;
}

// ?sealed: for whoever saves a config to apply it again.
Outcome<bool> wants_sealed(const Call& call) {
  const auto sealed = call.query.flag("sealed");
  if (!sealed || !*sealed || may(call.author.who, Action::write, call.kind())) return sealed;
  return refuse(Why::forbidden,
                fmt::format("{} may not take {} away", call.author.who.name, collection(call.kind())));
}

std::unexpected<Refusal> absent(const Call& call) {
  return refuse(Why::not_found, fmt::format("there is no {} `{}`", word(call.kind()), call.parameter("name")));
}

}  // namespace

Outcome<ApiResponse> list_objects(Call& call, StoreView& view) {
  const auto page = call.query.page(collection(call.kind()));
  if (!page) return std::unexpected(page.error());
  const auto sealed = wants_sealed(call);
  if (!sealed) return std::unexpected(sealed.error());
  auto found = of(view.objects(call.kind(), *page));
  if (!found) return std::unexpected(found.error());
  Json items = Json::array();
  const std::size_t shown_count = std::min(found->size(), page->limit - 1);
  for (std::size_t i = 0; i < shown_count; ++i) items.push(shown(call, (*found)[i], *sealed));
  Json out = Json::object().set("items", std::move(items));
  if (found->size() > shown_count)
    out.set("next_cursor", make_cursor(collection(call.kind()), (*found)[shown_count - 1].name));
  return answer(out);
}

Outcome<ApiResponse> get_object(Call& call, StoreView& view) {
  const auto sealed = wants_sealed(call);
  if (!sealed) return std::unexpected(sealed.error());
  const auto found = of(view.object(call.kind(), call.parameter("name")));
  if (!found) return std::unexpected(found.error());
  if (!*found) return absent(call);
  ApiResponse out = answer(shown(call, **found, *sealed));
  out.fields.emplace_back("ETag", etag((*found)->version));
  if (not_modified(call.request, (*found)->version)) out.status = 304;
  return out;
}

Outcome<ApiResponse> create_object(Call& call, StoreWriter& writer) {
  Json body = sent_body(call);
  const std::string name(name_of(call.kind(), body));
  if (name.empty())
    return refuse(Why::invalid, {.kind = std::string(word(call.kind())),
                                 .field = std::string(name_member(call.kind())),
                                 .message = "is missing: it is what the object is called by"});
  const auto done = of(draft(call, writer).put(call.kind(), name, std::move(body), {.kind = Expected::Kind::absent}));
  if (!done) return std::unexpected(done.error());
  return changed(call, *done);
}

Outcome<ApiResponse> put_object(Call& call, StoreWriter& writer) {
  const auto wanted = expected(call.request);
  if (!wanted) return std::unexpected(wanted.error());
  auto done = of(draft(call, writer).put(call.kind(), call.parameter("name"), sent_body(call), *wanted));
  if (done) return changed(call, *done);
  // RFC 9110 §13.1.2: what If-None-Match: * stands against is a failed precondition.
  if (done.error().why == Why::exists) done.error().why = Why::stale;
  return std::unexpected(done.error());
}

Outcome<ApiResponse> patch_object(Call& call, StoreWriter& writer) {
  const auto wanted = expected(call.request);
  if (!wanted) return std::unexpected(wanted.error());
  const auto done = of(draft(call, writer).patch(call.kind(), call.parameter("name"), sent_body(call), *wanted));
  if (!done) return std::unexpected(done.error());
  return changed(call, *done);
}

Outcome<ApiResponse> delete_object(Call& call, StoreWriter& writer) {
  const auto wanted = expected(call.request);
  if (!wanted) return std::unexpected(wanted.error());
  const auto done = of(draft(call, writer).remove(call.kind(), call.parameter("name"), *wanted));
  if (!done) return std::unexpected(done.error());
  ApiResponse out;
  out.status = 204;
  return out;
}

namespace {

const Schema& batch_schema() {
  static const Schema kSchema = schema::object({
      field("operations",
            schema::array(schema::object({
                              field("op", schema::string().words({"put", "delete"})).required(),
                              field("kind", schema::string().words({"route", "upstream", "consumer", "group",
                                                                    "policy", "certificate", "secret"}))
                                  .required(),
                              field("name", schema::string().min_length(1)).required(),
                              field("body", schema::any()),
                              field("if_version", schema::integer(0)),
                          }))
                .max_items(kMostOperations))
          .required(),
      field("prune", schema::boolean()).fallback(false),
      field("message", schema::string().max_length(1000)),
      field("force", schema::boolean()).fallback(false),
  });
  return kSchema;
}

Outcome<Operation> operation(const Json& json, std::size_t index) {
  Operation out;
  out.remove = json.find("op")->as_string() == "delete";
  out.kind = *kind_of(json.find("kind")->as_string());
  out.name = json.find("name")->as_string();
  if (const Json* version = json.find("if_version"))
    out.if_version = static_cast<std::uint64_t>(version->as_integer());
  const Json* body = json.find("body");
  const bool has_body = body != nullptr && !body->is_null();
  if (has_body == out.remove)
    return refuse(Why::invalid, {.kind = std::string(word(out.kind)),
                                 .name = out.name,
                                 .field = fmt::format("operations[{}].body", index),
                                 .message = out.remove ? "a delete has no body" : "a put needs the object's body"});
  if (!has_body) return out;
  out.body = body->is_object() ? without(*body, {"_meta", "_revision"}) : *body;
  return out;
}

std::string_view text(Changed::What what) noexcept {
  constexpr std::array<std::string_view, 4> kWords = {"created", "replaced", "removed", "unchanged"};
  return kWords[static_cast<std::size_t>(what)];
}

}  // namespace

Outcome<ApiResponse> apply_batch(Call& call, StoreWriter& writer) {
  if (auto good = check_body(call, batch_schema()); !good) return std::unexpected(good.error());
  std::vector<Operation> operations;
  const Json::Array& list = call.body.find("operations")->items();
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto one = operation(list[i], i);
    if (!one) return std::unexpected(one.error());
    operations.push_back(std::move(*one));
  }
  if (const Json* message = call.body.find("message")) call.publish_message = message->as_string();
  if (const Json* force = call.body.find("force")) call.force = force->as_boolean();
  const Json* prune = call.body.find("prune");
  auto done = of(draft(call, writer).batch(operations, prune != nullptr && prune->as_boolean()));
  if (!done) return std::unexpected(done.error());
  std::array<std::int64_t, 4> counts{};
  Json items = Json::array();
  for (const Changed& one : *done) {
    ++counts[static_cast<std::size_t>(one.what)];
    Json item = Json::object();
    item.set("kind", word(one.object.kind)).set("name", one.object.name).set("change", text(one.what));
    if (one.what != Changed::What::removed) item.set("version", static_cast<std::int64_t>(one.object.version));
    items.push(std::move(item));
  }
  Json summary = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) summary.set(text(static_cast<Changed::What>(i)), counts[i]);
  return answer(Json::object().set("changes", std::move(summary)).set("items", std::move(items)));
}

}  // namespace weir::control::api
