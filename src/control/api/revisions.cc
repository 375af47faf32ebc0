// What was published, what gateways make of it, and who did what: revisions, instances, the audit log.
#include <fmt/format.h>

#include <charconv>

#include "control/api/handlers.h"
#include "control/api/message/time.h"
#include "control/assemble.h"
#include "control/audit.h"
#include "control/diff.h"

namespace weir::control::api {
namespace {

using namespace std::chrono_literals;

// What people wait for at most; proxies in between give up after a minute.
constexpr auto kLongestWait = 60s;
constexpr auto kWait = 5s;

Json describe(const RevisionInfo& info) {
  Json out = Json::object();
  out.set("number", static_cast<std::int64_t>(info.number)).set("digest", info.digest);
  out.set("made_at", time_text(info.made_at)).set("made_by", info.made_by).set("message", info.message);
  if (info.rolled_back_to != 0) out.set("rolled_back_to", static_cast<std::int64_t>(info.rolled_back_to));
  return out.set("changes", info.changes.is_object() ? info.changes : Json::object());
}

std::unexpected<Refusal> absent(std::string_view number) {
  return refuse(Why::not_found, number == "latest" ? std::string("nothing has been published yet")
                                                   : fmt::format("there is no revision {}", number));
}

Outcome<std::uint64_t> existing(std::string_view text, StoreView& view) {
  std::uint64_t number = 0;
  if (text != "latest") {
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number == 0 || number > INT64_MAX)
      return refuse(Why::not_found, fmt::format("`{}` is not a revision's number, nor latest", text));
  }
  const auto info = of(view.revision(number));
  if (!info) return std::unexpected(info.error());
  if (!*info) return absent(text);
  return (*info)->number;
}

Outcome<Json> document_of(StoreView& view, std::uint64_t number) {
  const auto revision = of(view.document(number));
  if (!revision) return std::unexpected(revision.error());
  if (!*revision) return absent(fmt::format("{}", number));
  auto parsed = parse_json((*revision)->document);
  if (!parsed) return refuse(Why::internal, fmt::format("revision {} is damaged in the database", number));
  return std::move(*parsed);
}

}  // namespace

Outcome<std::uint64_t> revision_number(const Call& call, StoreView& view) {
  return existing(call.parameter("number"), view);
}

Outcome<ApiResponse> list_revisions(Call& call, StoreView& view) {
  const auto limit = call.query.limit();
  if (!limit) return std::unexpected(limit.error());
  const auto before = call.query.after_number("revisions");
  if (!before) return std::unexpected(before.error());
  const auto found = of(view.revisions(*before, *limit + 1));
  if (!found) return std::unexpected(found.error());
  Json items = Json::array();
  const std::size_t shown = std::min(found->size(), *limit);
  for (std::size_t i = 0; i < shown; ++i) items.push(describe((*found)[i]));
  Json out = Json::object().set("items", std::move(items));
  if (found->size() > shown)
    out.set("next_cursor", make_cursor("revisions", fmt::format("{}", (*found)[shown - 1].number)));
  return answer(out);
}

Outcome<ApiResponse> get_revision(Call& call, StoreView& view) {
  const auto number = revision_number(call, view);
  if (!number) return std::unexpected(number.error());
  const auto info = of(view.revision(*number));
  if (!info) return std::unexpected(info.error());
  if (!*info) return absent(call.parameter("number"));
  return answer(describe(**info));
}

// As gateways get it to whoever may write all of it; to others without what is sealed or hashed.
Outcome<ApiResponse> get_document(Call& call, StoreView& view) {
  const auto number = revision_number(call, view);
  if (!number) return std::unexpected(number.error());
  auto document = document_of(view, *number);
  if (!document) return std::unexpected(document.error());
  if (may(call.author.who, Action::write, Kind::secret)) return answer(*document);
  std::vector<Object> objects = objects_of(*document);
  for (Object& object : objects) object.body = redacted(object.kind, std::move(object.body));
  return answer(assemble(objects));
}

Outcome<ApiResponse> get_diff(Call& call, StoreView& view) {
  const auto number = revision_number(call, view);
  if (!number) return std::unexpected(number.error());
  // Against the one before, unless told otherwise; against nothing for the first.
  std::uint64_t other = 0;
  if (const std::string* against = call.query.find("against")) {
    const auto named = existing(*against, view);
    if (!named) return std::unexpected(named.error());
    other = *named;
  } else {
    const auto before = of(view.revisions(*number, 1));
    if (!before) return std::unexpected(before.error());
    if (!before->empty()) other = before->front().number;
  }
  const auto to = document_of(view, *number);
  if (!to) return std::unexpected(to.error());
  Outcome<Json> from = Json::object();
  if (other != 0) from = document_of(view, other);
  if (!from) return std::unexpected(from.error());
  const auto all = differences(*from, *to);
  const DifferenceCounts count = control::count(all);
  Json list = Json::array();
  for (const Difference& one : all) list.push(to_json(one));
  Json changes = Json::object();
  changes.set("added", static_cast<std::int64_t>(count.added));
  changes.set("changed", static_cast<std::int64_t>(count.changed));
  changes.set("removed", static_cast<std::int64_t>(count.removed));
  Json out = Json::object();
  out.set("from", static_cast<std::int64_t>(other)).set("to", static_cast<std::int64_t>(*number));
  return answer(out.set("changes", std::move(changes)).set("differences", std::move(list)));
}

Outcome<ApiResponse> get_status(Call& call, StoreView& view) {
  const auto number = revision_number(call, view);
  if (!number) return std::unexpected(number.error());
  const auto timeout = call.query.duration("timeout", kLongestWait, kWait);
  if (!timeout) return std::unexpected(timeout.error());
  const std::string_view what = call.query.text("wait");
  if (call.query.find("wait") != nullptr && what != "all" && what != "quorum")
    return refuse(Why::bad_request,
                  {.field = "?wait", .message = fmt::format("expected all or quorum, not `{}`", what)});
  ApiResponse out;
  out.wait = {.revision = *number,
              .what = what == "all"      ? StatusWait::For::all
                      : what == "quorum" ? StatusWait::For::quorum
                                         : StatusWait::For::nothing,
              .timeout = *timeout};
  return out;
}

Outcome<ApiResponse> list_instances(Call& call) {
  return answer(to_json(call.means.instances.all(call.author.at_ms)));
}

// Newest first. Sequence numbers have no gaps, so a page's begin is known from its end.
Outcome<ApiResponse> list_audit(Call& call, StoreView& view) {
  const auto limit = call.query.limit();
  if (!limit) return std::unexpected(limit.error());
  auto before = call.query.after_number("audit");
  if (!before) return std::unexpected(before.error());
  if (*before == 0) {
    const auto last = of(view.last_audit());
    if (!last) return std::unexpected(last.error());
    *before = *last ? (*last)->seq + 1 : 1;
  }
  const std::uint64_t after = *before - 1 > *limit ? *before - 1 - *limit : 0;
  const auto found = of(view.audit(after, static_cast<std::size_t>(*before - 1 - after)));
  if (!found) return std::unexpected(found.error());
  Json items = Json::array();
  for (auto entry = found->rbegin(); entry != found->rend(); ++entry) items.push(to_json(*entry));
  Json out = Json::object().set("items", std::move(items));
  if (after != 0) out.set("next_cursor", make_cursor("audit", fmt::format("{}", after + 1)));
  return answer(out);
}

Outcome<ApiResponse> verify_chain(Call& call) {
  const auto verdict = of(verify_audit(call.means.store));
  if (!verdict) return std::unexpected(verdict.error());
  Json out = Json::object();
  out.set("ok", verdict->ok).set("entries", static_cast<std::int64_t>(verdict->entries)).set("head", verdict->head);
  if (!verdict->ok)
    out.set("broken_at", static_cast<std::int64_t>(verdict->broken_at)).set("reason", verdict->reason);
  return answer(out);
}

}  // namespace weir::control::api
