#include "control/changes/changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "base/json/nearest.h"
#include "control/audit.h"
#include "control/operators/operators.h"
#include "control/secrets.h"

namespace weir::control {
namespace {

std::string title(Kind kind, std::string_view name) { return fmt::format("{} \"{}\"", word(kind), name); }

Agreed<void> check_expected(Kind kind, std::string_view name, const std::optional<Object>& before,
                            Expected expected) {
  using What = Expected::Kind;
  const auto stale = [&](std::string message) {
    Objection out{.kind = Objection::Kind::stale, .message = std::move(message)};
    out.current = before ? before->version : 0;
    return std::unexpected(std::move(out));
  };
  switch (expected.kind) {
    case What::any:
      return {};
    case What::unsaid:
      if (!before) return {};
      return object_to(Objection::Kind::unconditional,
                       title(kind, name) +
                           " is there: say which version is meant with If-Match, or what another "
                           "operator has just changed would be lost");
    case What::absent:
      if (!before) return {};
      return object_to(Objection::Kind::exists, title(kind, name) + " exists");
    case What::present:
      if (before) return {};
      return stale(title(kind, name) + " is not there");
    case What::version:
      if (before && before->version == expected.version) return {};
      return stale(before ? fmt::format("{} was changed meanwhile: it has the version {}, not {}", title(kind, name),
                                        before->version, expected.version)
                          : title(kind, name) + " is not there (any more)");
  }
  return {};
}

std::string_view filter_of(const Json& entry) {
  if (entry.is_string()) return entry.as_string();
  const Json* name = entry.find("name");
  return name == nullptr ? std::string_view() : name->as_string();
}

Json entry_of(std::string_view filter, Json config) {
  Json out = Json::object();
  out.set("name", filter);
  if (!config.is_null()) out.set("config", std::move(config));
  return out;
}

Expected expected_of(const Operation& operation) {
  if (!operation.if_version) return {Expected::Kind::any};
  if (*operation.if_version == 0) return {Expected::Kind::absent};
  return {Expected::Kind::version, *operation.if_version};
}

// Beyond these one look at everything is cheaper than one at each.
constexpr std::size_t kFewOperations = 50;

const Json* body_of(const std::optional<Object>& object) { return object ? &object->body : nullptr; }

}  // namespace

std::int64_t now_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Author system_author() { return {{.name = "system", .role = Role::platform}, "", now_ms()}; }

Agreed<Changed> Draft::put(Kind kind, std::string_view name, Json body, Expected expected) {
  auto before = find(kind, name);
  if (!before) return std::unexpected(std::move(before.error()));
  if (auto fits = check_expected(kind, name, *before, expected); !fits)
    return std::unexpected(std::move(fits.error()));
  return write(kind, name, std::move(*before), std::move(body));
}

Agreed<Changed> Draft::patch(Kind kind, std::string_view name, const Json& patch, Expected expected) {
  auto before = find(kind, name);
  if (!before) return std::unexpected(std::move(before.error()));
  if (auto fits = check_expected(kind, name, *before, expected); !fits)
    return std::unexpected(std::move(fits.error()));
  if (!*before) return object_to(Objection::Kind::absent, "there is no " + title(kind, name));
  if (!patch.is_object()) return object_to(Objection::Kind::invalid, "a merge patch is a JSON object");
  Json body = merge_patch((*before)->body, patch);
  return write(kind, name, std::move(*before), std::move(body));
}

Agreed<Changed> Draft::remove(Kind kind, std::string_view name, Expected expected) {
  auto before = find(kind, name);
  if (!before) return std::unexpected(std::move(before.error()));
  if (auto fits = check_expected(kind, name, *before, expected); !fits)
    return std::unexpected(std::move(fits.error()));
  if (!*before) return object_to(Objection::Kind::absent, "there is no " + title(kind, name));
  return erase(**before);
}

Agreed<Changed> Draft::attach(Kind kind, std::string_view name, std::string_view filter, Json config,
                              Expected expected) {
  if (rules_.schemas.filter(filter) == nullptr) {
    std::vector<std::string_view> known;
    for (const pipeline::FilterSpec& spec : rules_.schemas.filters()) known.push_back(spec.name);
    const std::string hint = did_you_mean(filter, known, "filters");
    return object_to(Objection::Kind::unknown_filter,
                     fmt::format("there is no filter \"{}\"{}{}", filter, hint.empty() ? "" : "; ", hint));
  }
  if (kind == Kind::policy) name = filter;
  auto before = find(kind, name);
  if (!before) return std::unexpected(std::move(before.error()));
  if (auto fits = check_expected(kind, name, *before, expected); !fits)
    return std::unexpected(std::move(fits.error()));
  Json entry = entry_of(filter, std::move(config));
  if (kind == Kind::policy) {
    for (const std::string_view kept : {"order", "tags"})
      if (const Json* value = *before ? (*before)->body.find(kept) : nullptr) entry.set(kept, *value);
    return write(kind, name, std::move(*before), std::move(entry));
  }
  if (kind == Kind::certificate || kind == Kind::secret)
    return object_to(Objection::Kind::unknown_filter, fmt::format("a {} has no filters", word(kind)));
  if (!*before) return object_to(Objection::Kind::absent, "there is no " + title(kind, name));
  const Json* chain = (*before)->body.find("plugin_chain");
  Json::Array entries = chain == nullptr ? Json::Array() : chain->items();
  const auto at = std::ranges::find(entries, filter, filter_of);
  if (at == entries.end())
    entries.push_back(std::move(entry));
  else
    *at = std::move(entry);
  Json body = (*before)->body;
  body.set("plugin_chain", Json(std::move(entries)));
  return write(kind, name, std::move(*before), std::move(body));
}

Agreed<Changed> Draft::detach(Kind kind, std::string_view name, std::string_view filter, Expected expected) {
  if (kind == Kind::policy) return remove(kind, filter, expected);
  auto before = find(kind, name);
  if (!before) return std::unexpected(std::move(before.error()));
  if (auto fits = check_expected(kind, name, *before, expected); !fits)
    return std::unexpected(std::move(fits.error()));
  if (!*before) return object_to(Objection::Kind::absent, "there is no " + title(kind, name));
  const Json* chain = (*before)->body.find("plugin_chain");
  Json::Array entries = chain == nullptr ? Json::Array() : chain->items();
  if (std::erase_if(entries, [&](const Json& entry) { return filter_of(entry) == filter; }) == 0)
    return object_to(Objection::Kind::absent, fmt::format("{} has no filter \"{}\"", title(kind, name), filter));
  Json body = merge_patch((*before)->body, [] {
    Json without = Json::object();
    without.set("plugin_chain", Json());
    return without;
  }());
  if (!entries.empty()) body.set("plugin_chain", Json(std::move(entries)));
  return write(kind, name, std::move(*before), std::move(body));
}

Agreed<std::optional<Object>> Draft::find(Kind kind, std::string_view name) {
  if (!known_) return agreed(writer_.object(kind, name));
  const auto at = known_->find({kind, std::string(name)});
  return at == known_->end() ? std::nullopt : std::optional<Object>(at->second);
}

Agreed<void> Draft::know_all() {
  auto all = agreed(writer_.all_objects());
  if (!all) return std::unexpected(std::move(all.error()));
  known_.emplace();
  for (Object& object : *all) {
    const Kind kind = object.kind;
    std::string name = object.name;
    known_->emplace(std::pair(kind, std::move(name)), std::move(object));
  }
  return {};
}

Agreed<std::vector<Changed>> Draft::batch(std::span<const Operation> operations, bool prune_others) {
  const Large large(*this);
  if (operations.size() > kFewOperations)
    if (auto known = know_all(); !known) return std::unexpected(std::move(known.error()));
  std::vector<Changed> done;
  Findings findings;
  for (const Operation& each : operations) {
    const Expected expected = expected_of(each);
    auto changed =
        each.remove ? remove(each.kind, each.name, expected) : put(each.kind, each.name, each.body, expected);
    if (changed) {
      done.push_back(std::move(*changed));
    } else if (changed.error().kind == Objection::Kind::invalid && !changed.error().findings.empty()) {
      // Whoever mends a file wants to hear of all mistakes in it at once.
      std::ranges::move(changed.error().findings, std::back_inserter(findings));
    } else {
      return std::unexpected(std::move(changed.error()));
    }
  }
  if (!findings.empty()) return object_to(Objection::Kind::invalid, "nothing was changed", std::move(findings));
  if (prune_others)
    if (auto pruned = prune(operations, done); !pruned) return std::unexpected(std::move(pruned.error()));
  return done;
}

Agreed<void> Draft::prune(std::span<const Operation> operations, std::vector<Changed>& done) {
  std::set<std::pair<Kind, std::string_view>> kept;
  for (const Operation& each : operations)
    if (!each.remove) kept.emplace(each.kind, each.name);
  auto all = agreed(writer_.all_objects());
  if (!all) return std::unexpected(std::move(all.error()));
  for (const Object& object : *all) {
    if (kept.contains({object.kind, object.name})) continue;
    if (refuse_write(author_.who, object.kind, object.name, &object.body, nullptr)) continue;
    auto gone = erase(object);
    if (!gone) return std::unexpected(std::move(gone.error()));
    done.push_back(std::move(*gone));
  }
  return {};
}

Agreed<std::vector<Changed>> Draft::replace_all(std::vector<Object> objects) {
  const Large large(*this);
  std::vector<Changed> done;
  auto all = agreed(writer_.all_objects());
  if (!all) return std::unexpected(std::move(all.error()));
  std::map<std::pair<Kind, std::string_view>, const Object*> present;
  for (const Object& object : *all) present[{object.kind, object.name}] = &object;
  for (Object& object : objects) {
    std::optional<Object> before;
    if (const auto at = present.find({object.kind, object.name}); at != present.end()) {
      before = *at->second;
      present.erase(at);
    }
    if (before && to_canonical(before->body) == to_canonical(object.body)) continue;
    auto changed = store(object.kind, object.name, before, std::move(object.body));
    if (!changed) return std::unexpected(std::move(changed.error()));
    done.push_back(std::move(*changed));
  }
  for (const auto& [key, object] : present) {
    auto gone = erase(*object);
    if (!gone) return std::unexpected(std::move(gone.error()));
    done.push_back(std::move(*gone));
  }
  return done;
}

Agreed<Changed> Draft::write(Kind kind, std::string_view name, std::optional<Object> before, Json body) {
  if (kind != Kind::group || !body.is_string())
    if (body.is_object() && body.find(name_member(kind)) == nullptr) {
      // The name comes first, as people write it.
      Json named = Json::object();
      named.set(name_member(kind), name);
      for (const Json::Member& member : body.members()) named.set(member.name, member.value);
      body = std::move(named);
    }
  if (auto allowed = permit(kind, name, body_of(before), &body); !allowed)
    return std::unexpected(std::move(allowed.error()));
  if (before && same_body(kind, before->body, body)) return Changed{Changed::What::unchanged, std::move(*before)};
  body = normal_form(kind, std::move(body), author_.at_ms);
  if (Findings findings = check_body(rules_.schemas, kind, name, body); !findings.empty())
    return object_to(Objection::Kind::invalid, title(kind, name) + " is not right", std::move(findings));
  auto sealed = sealed_body(kind, name, std::move(body), body_of(before), rules_.master_key);
  if (!sealed)
    return object_to(Objection::Kind::invalid, title(kind, name) + " is not right", std::move(sealed.error()));
  if (before && same_body(kind, before->body, *sealed)) return Changed{Changed::What::unchanged, std::move(*before)};
  return store(kind, name, before, std::move(*sealed));
}

Agreed<void> Draft::permit(Kind kind, std::string_view name, const Json* before, const Json* after) {
  if (auto refused = refuse_write(author_.who, kind, name, before, after))
    return object_to(Objection::Kind::forbidden, std::move(*refused));
  if (after == nullptr || reach(author_.who.role, Action::write, kind) == Reach::yes) return {};
  return judge(author_.who, {kind, name, before, *after}, rules_.lint, surroundings());
}

Surroundings Draft::surroundings() {
  return {.find = [this](Kind kind, std::string_view name) { return find(kind, name); },
          .each = [this](const Surroundings::Visit& visit) -> Agreed<void> {
            if (known_) {
              for (const auto& [key, object] : *known_) visit(object);
              return {};
            }
            const auto all = agreed(writer_.all_objects());
            if (!all) return std::unexpected(all.error());
            for (const Object& object : *all) visit(object);
            return {};
          },
          .keys = keys_};
}

Agreed<Changed> Draft::store(Kind kind, std::string_view name, const std::optional<Object>& before, Json body) {
  Object object;
  object.kind = kind;
  object.name = name;
  object.tags = tags_of(body);
  object.body = std::move(body);
  object.updated_at = author_.at_ms;
  object.updated_by = author_.who.name;
  auto version = agreed(writer_.put(object));
  if (!version) return std::unexpected(std::move(version.error()));
  object.version = *version;
  if (known_) known_->insert_or_assign({kind, object.name}, object);
  if (auto noted = note("put", kind, name, body_of(before), &object.body); !noted)
    return std::unexpected(std::move(noted.error()));
  return Changed{before ? Changed::What::replaced : Changed::What::created, std::move(object)};
}

Agreed<Changed> Draft::erase(const Object& before) {
  if (auto allowed = permit(before.kind, before.name, &before.body, nullptr); !allowed)
    return std::unexpected(std::move(allowed.error()));
  if (auto gone = agreed(writer_.remove(before.kind, before.name)); !gone)
    return std::unexpected(std::move(gone.error()));
  if (known_) known_->erase({before.kind, before.name});
  if (auto noted = note("delete", before.kind, before.name, &before.body, nullptr); !noted)
    return std::unexpected(std::move(noted.error()));
  return Changed{Changed::What::removed, before};
}

Agreed<void> Draft::note(std::string_view action, Kind kind, std::string_view name, const Json* before,
                         const Json* after) {
  AuditEntry entry;
  entry.at_ms = author_.at_ms;
  entry.actor = author_.who.name;
  entry.from = author_.from;
  entry.action = action;
  entry.kind = word(kind);
  entry.name = name;
  if (before != nullptr) entry.before = redacted(kind, *before);
  if (after != nullptr) entry.after = redacted(kind, *after);
  return agreed(append_audit(writer_, std::move(entry), &tail_));
}

}  // namespace weir::control
