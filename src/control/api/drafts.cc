// The draft as a whole: what it would change, whether it can be published, and publishing it.
#include <fmt/format.h>

#include "control/api/handlers.h"
#include "control/assemble.h"
#include "control/diff.h"

namespace weir::control::api {
namespace {

using schema::field;

const Schema& publish_schema() {
  static const Schema kSchema = schema::object({
      field("message", schema::string().max_length(1000)),
      field("force", schema::boolean()).fallback(false),
  });
  return kSchema;
}

Json counts(std::size_t added, std::size_t changed, std::size_t removed) {
  Json out = Json::object();
  out.set("added", static_cast<std::int64_t>(added)).set("changed", static_cast<std::int64_t>(changed));
  return out.set("removed", static_cast<std::int64_t>(removed));
}

Outcome<PublishOptions> options(const Call& call) {
  if (auto good = check_body(call, publish_schema()); !good) return std::unexpected(good.error());
  PublishOptions out{.dry_run = call.dry_run, .number_floor = call.number_floor()};
  if (const Json* message = call.body.find("message")) out.message = message->as_string();
  if (const Json* force = call.body.find("force")) out.force = force->as_boolean();
  return out;
}

ApiResponse published(Call& call, Published done) {
  const bool fresh = !done.unchanged && !call.dry_run;
  call.unprobed = std::move(done.unprobed);
  ApiResponse out = answer(to_json(done), fresh ? 201 : 200);
  if (!fresh) return out;
  out.fields.emplace_back("Location", fmt::format("/v1/revisions/{}", done.revision.number));
  out.published = done.revision.number;
  return out;
}

// Proves first, so that the lock all writers wait for is held only for numbering and signing.
Outcome<ApiResponse> publish_proven(Call& call, const PublishOptions& options) {
  const auto proof = of(check(call.means.store, call.means.rules, options.rollback_to));
  if (!proof) return std::unexpected(proof.error());
  return written(call, [&](StoreWriter& writer) -> Outcome<ApiResponse> {
    auto done = of(publish(writer, call.means.rules, call.means.signing_key, call.author, options, &*proof));
    if (!done) return std::unexpected(done.error());
    return published(call, std::move(*done));
  });
}

}  // namespace

Json to_json(const Published& done) {
  Json warnings = Json::array();
  for (const Finding& finding : done.warnings) warnings.push(to_json(field_problem(finding)));
  Json out = Json::object();
  out.set("number", static_cast<std::int64_t>(done.revision.number)).set("digest", done.revision.digest);
  out.set("unchanged", done.unchanged).set("warnings", std::move(warnings));
  return out.set("changes", counts(done.changes.added, done.changes.changed, done.changes.removed));
}

Outcome<ApiResponse> get_draft(Call&, StoreView& view) {
  const auto base = of(view.revision(0));
  if (!base) return std::unexpected(base.error());
  const auto before = of(published_document(view));
  if (!before) return std::unexpected(before.error());
  const auto now = of(assemble(view));
  if (!now) return std::unexpected(now.error());
  const auto all = differences(*before, *now);
  const DifferenceCounts count = control::count(all);
  Json list = Json::array();
  for (const Difference& one : all) list.push(to_json(one));
  Json out = Json::object();
  out.set("changed", !all.empty()).set("base", static_cast<std::int64_t>(*base ? (*base)->number : 0));
  out.set("changes", counts(count.added, count.changed, count.removed)).set("differences", std::move(list));
  return answer(out);
}

Outcome<ApiResponse> check_draft(Call& call) {
  const auto proof = of(check(call.means.store, call.means.rules));
  if (!proof) return std::unexpected(proof.error());
  Json findings = Json::array();
  for (const Finding& finding : proof->findings) findings.push(to_json(field_problem(finding)));
  Json out = Json::object();
  out.set("publishable", proof->publishable(false)).set("digest", proof->digest);
  return answer(out.set("findings", std::move(findings)));
}

Outcome<ApiResponse> discard_draft(Call& call, StoreWriter& writer) {
  const auto done = of(discard(writer, call.means.rules, call.author));
  if (!done) return std::unexpected(done.error());
  Json items = Json::array();
  for (const Changed& one : *done) {
    if (one.what == Changed::What::unchanged) continue;
    items.push(Json::object().set("kind", word(one.object.kind)).set("name", one.object.name));
  }
  return answer(Json::object().set("undone", std::move(items)));
}

Outcome<ApiResponse> publish_draft(Call& call) {
  const auto wanted = options(call);
  if (!wanted) return std::unexpected(wanted.error());
  return publish_proven(call, *wanted);
}

Outcome<ApiResponse> roll_back(Call& call) {
  auto wanted = options(call);
  if (!wanted) return std::unexpected(wanted.error());
  Outcome<std::uint64_t> number = refuse(Why::internal, "");
  const auto read = call.means.store.read([&](StoreView& view) -> StoreResult<void> {
    number = revision_number(call, view);
    return {};
  });
  if (!read) return std::unexpected(refusal(read.error()));
  if (!number) return std::unexpected(number.error());
  wanted->rollback_to = *number;
  return publish_proven(call, *wanted);
}

}  // namespace weir::control::api
