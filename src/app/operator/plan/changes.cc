#include "app/operator/plan/changes.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "control/audit.h"

namespace weir::remote {
namespace {

using control::Kind;
using Key = std::pair<Kind, std::string_view>;
using Index = std::map<Key, const DraftObject*>;

// Orders of policies that are given anew leave room for others in between.
constexpr std::int64_t kOrderStep = 10;

std::int64_t order_of(const Json& body) {
  const Json* order = body.find("order");
  return order == nullptr ? 0 : order->as_integer();
}

// A file says the order of policies by where they stand, the draft by a number (then by name). Policies that the
// draft has in the order of the files keep their numbers; if that cannot be, all get new ones.
std::map<std::string_view, std::int64_t> policy_orders(const ObjectFiles& files, const Index& draft) {
  std::map<std::string_view, std::int64_t> out;
  std::int64_t last_order = 0;
  std::string_view last_name;
  bool fits = true;
  for (const FileObject& object : files.objects) {
    if (object.kind != Kind::policy) continue;
    const auto known = draft.find({Kind::policy, object.name});
    std::int64_t order = object.name > last_name ? last_order : last_order + 1;
    if (known != draft.end()) order = order_of(known->second->body);
    fits = fits && (last_name.empty() || std::tie(order, object.name) > std::tuple(last_order, last_name));
    out[object.name] = order;
    last_order = order;
    last_name = object.name;
  }
  if (fits) return out;
  std::int64_t next = 0;
  for (const FileObject& object : files.objects)
    if (object.kind == Kind::policy) out[object.name] = next += kOrderStep;
  return out;
}

// When it was written is the control plane's to say, unless a file does.
Json without_time(const Json& body) {
  Json out = Json::object();
  for (const Json::Member& member : body.members())
    if (member.name != "updated_at") out.set(member.name, member.value);
  return out;
}

// Who may not see a secret sees its digest: that of the same sealed text is the same.
bool same(Kind kind, const Json& wanted, const Json& drafted) {
  const std::string there = to_canonical(wanted.find("updated_at") == nullptr ? without_time(drafted) : drafted);
  return to_canonical(wanted) == there || to_canonical(control::redacted(kind, wanted)) == there;
}

// What a chain in a file has no words for stays as it is; the draft may say 0 where we say nothing.
void keep_unsaid(Json& policy, const Json& drafted) {
  if (policy.find("order") == nullptr && drafted.find("order") != nullptr) policy.set("order", 0);
  if (const Json* tags = drafted.find("tags")) policy.set("tags", *tags);
}

bool carries(const Json& body, std::string_view tag) {
  const Json* tags = body.find("tags");
  return tags != nullptr &&
         std::ranges::any_of(tags->items(), [tag](const Json& one) { return one.as_string() == tag; });
}

}  // namespace

DraftObject draft_object(Kind kind, const Json& item) {
  DraftObject out{kind, std::string(name_in(kind, item)), Json::object(), 0};
  for (const Json::Member& member : item.members()) {
    if (member.name != "_meta") {
      out.body.set(member.name, member.value);
    } else if (const Json* version = member.value.find("version")) {
      out.version = version->as_integer();
    }
  }
  return out;
}

Comparison compare(const ObjectFiles& files, std::span<const DraftObject> draft, const CompareOptions& options) {
  Comparison out;
  Index index;
  for (const DraftObject& object : draft) index.emplace(Key{object.kind, object.name}, &object);
  const auto orders = policy_orders(files, index);

  for (const FileObject& object : files.objects) {
    Json wanted = object.body;
    if (object.kind == Kind::policy && orders.at(object.name) != 0) wanted.set("order", orders.at(object.name));
    const auto found = index.find({object.kind, object.name});
    Change change{.op = Change::Op::add,
                  .kind = object.kind,
                  .name = object.name,
                  .before = {},
                  .after = std::move(wanted),
                  .version = 0,
                  .place = place_text(object),
                  .from = &object};
    if (found != index.end()) {
      const DraftObject& drafted = *found->second;
      index.erase(found);
      if (object.kind == Kind::policy) keep_unsaid(change.after, drafted.body);
      if (same(object.kind, change.after, drafted.body)) {
        ++out.same;
        continue;
      }
      change.op = Change::Op::change;
      change.before = drafted.body;
      change.version = drafted.version;
    }
    out.changes.push_back(std::move(change));
  }
  std::ranges::sort(out.changes, {}, [](const Change& change) { return std::pair(change.kind, change.from); });

  for (const DraftObject& object : draft) {
    if (!index.contains({object.kind, object.name})) continue;
    const bool meant = options.tag.empty() || carries(object.body, options.tag);
    if (!options.prune || !files.kinds.contains(object.kind) || !meant) {
      if (meant) out.extra.push_back(&object);
      continue;
    }
    out.changes.push_back({.op = Change::Op::remove,
                           .kind = object.kind,
                           .name = object.name,
                           .before = object.body,
                           .after = {},
                           .version = object.version,
                           .place = {},
                           .from = nullptr});
  }
  return out;
}

}  // namespace weir::remote
