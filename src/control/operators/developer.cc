// The part of developer.h that looks at other objects.
#include "control/operators/developer.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/objects.h"
#include "control/operators/developer_places.h"
#include "control/operators/operators.h"

namespace weir::control {
namespace {

std::unexpected<Objection> forbid(std::string message) {
  return object_to(Objection::Kind::forbidden, std::move(message));
}

std::vector<std::string> texts(const Json* body, std::string_view member) {
  std::vector<std::string> out;
  const Json* list = body == nullptr ? nullptr : body->find(member);
  if (list == nullptr) return out;
  for (const Json& one : list->items()) out.emplace_back(one.as_string());
  std::ranges::sort(out);
  return out;
}

// In `after` and not in `before`.
std::vector<std::string> added(const Json* before, const Json* after, std::string_view member) {
  std::vector<std::string> out;
  std::ranges::set_difference(texts(after, member), texts(before, member), std::back_inserter(out));
  return out;
}

bool has(const std::vector<std::string>& list, std::string_view word) {
  return std::ranges::find(list, word) != list.end();
}

bool is_mentioned(const Json& value, std::string_view name) {
  if (value.is_string()) return value.as_string() == name;
  return std::ranges::any_of(value.items(), [&](const Json& item) { return is_mentioned(item, name); }) ||
         std::ranges::any_of(value.members(), [&](const Json::Member& member) {
           return member.name == name || is_mentioned(member.value, name);
         });
}

bool is_host_of(std::string_view url, std::string_view name) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return false;
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of(":/?#")) == name;
}

// `object` says something of whoever gets the name: lets them in, limits them, sends requests to them.
bool speaks_of(const Object& object, Kind kind, std::string_view name) {
  if (kind == Kind::upstream) {
    bool found = false;
    each_text(object.body, [&](std::string_view, std::string_view text) { found = found || is_host_of(text, name); });
    return found;
  }
  for (const std::string_view member : {"plugin_chain", "config"})
    if (const Json* filters = object.body.find(member); filters != nullptr && is_mentioned(*filters, name))
      return true;
  return kind == Kind::group && has(texts(&object.body, "groups"), name);
}

class Judge {
 public:
  Judge(const Operator& who, const Change& change, const Surroundings& around)
      : who_(who), change_(change), around_(around) {}

  Agreed<void> lint_tags(const LintSettings& settings) const {
    for (const LintRule& rule : lint_rules()) {
      const auto at = settings.find(rule.name);
      if ((at == settings.end() ? rule.severity : at->second) != Severity::block) continue;
      const std::string tag = "lint-ignore:" + std::string(rule.name);
      if ((change_.before != nullptr && has_tag(*change_.before, tag)) != has_tag(change_.after, tag))
        return forbid(fmt::format("{} passes a rule that blocks: the tag {} is for the role {}", object(), tag,
                                  word(Role::platform)));
    }
    return {};
  }

  Agreed<void> secrets() const {
    for (const Named& named : named_anew(change_.before, change_.after, {"secret_name"})) {
      const auto found = around_.find(Kind::secret, named.value);
      if (!found) return std::unexpected(found.error());
      // Not there yet counts as another's: it would be theirs as soon as it is made.
      if (!*found || !is_of_a_team(who_, (*found)->body))
        return forbid(
            fmt::format("{} names the secret \"{}\", which carries none of your teams' tags, in a place that "
                        "is new or changed: that is for the role {}, or take a secret with your team's tag",
                        object(), named.value, word(Role::platform)));
    }
    return {};
  }

  Agreed<void> membership() const {
    if (change_.kind != Kind::consumer) return {};
    return judge_groups(who_, added(change_.before, &change_.after, "groups"), around_);
  }

  // custom_id is what services know a caller by: as a name, it is theirs who said it first.
  Agreed<void> custom_id() const {
    if (change_.kind != Kind::consumer) return {};
    const std::string_view wanted = id_of(change_.after);
    if (wanted.empty() || (change_.before != nullptr && id_of(*change_.before) == wanted)) return {};
    bool taken = false;
    auto looked = around_.each([&](const Object& other) {
      taken = taken || (other.kind == Kind::consumer && other.name != change_.name && id_of(other.body) == wanted);
    });
    if (!looked) return looked;
    const auto claims = keys();
    if (!claims) return std::unexpected(claims.error());
    if (!taken && !claims->custom_ids.contains(wanted)) return {};
    return forbid(fmt::format("the custom_id \"{}\" is another's", wanted));
  }

  Agreed<void> name() const {
    const Kind kind = change_.kind;
    if (change_.before != nullptr || (kind != Kind::upstream && kind != Kind::consumer && kind != Kind::group))
      return {};
    const Json& after = change_.after;
    std::string whose;
    auto looked = around_.each([&](const Object& other) {
      if (!whose.empty() || (other.kind == kind && other.name == change_.name)) return;
      if (!is_of_a_team(who_, other.body) && speaks_of(other, kind, change_.name))
        whose = fmt::format("{} \"{}\"", word(other.kind), other.name);
    });
    if (!looked) return looked;
    // Their own consumers too: a group that one of them was given is whoever's gave it.
    if (whose.empty() && kind == Kind::group)
      looked = around_.each([&](const Object& other) {
        if (other.kind == Kind::consumer && speaks_of(other, kind, change_.name))
          whose = fmt::format("consumer \"{}\"", other.name);
      });
    if (!looked) return looked;
    if (!whose.empty())
      return forbid(fmt::format("{} names \"{}\" already: to make it is for the role {}", whose, name_of(kind, after),
                                word(Role::platform)));
    if (kind == Kind::upstream) return {};
    const auto claims = keys();
    if (!claims) return std::unexpected(claims.error());
    if (!(kind == Kind::group ? claims->groups : claims->consumers).contains(change_.name)) return {};
    return forbid(fmt::format("there are API keys of the {} \"{}\" already: to make it is for the role {}",
                              word(kind), change_.name, word(Role::platform)));
  }

 private:
  std::string object() const { return fmt::format("{} \"{}\"", word(change_.kind), change_.name); }
  static std::string_view id_of(const Json& body) {
    const Json* id = body.find("custom_id");
    return id == nullptr ? std::string_view() : id->as_string();
  }
  Agreed<KeyClaims> keys() const { return around_.keys ? around_.keys() : KeyClaims(); }

  const Operator& who_;
  const Change& change_;
  const Surroundings& around_;
};

}  // namespace

Agreed<void> judge_groups(const Operator& who, std::span<const std::string> groups, const Surroundings& around) {
  for (const std::string& group : groups) {
    const auto found = around.find(Kind::group, group);
    if (!found) return std::unexpected(found.error());
    if (!*found) return forbid(fmt::format("there is no group \"{}\": make it first, with your team's tag", group));
    if (!is_of_a_team(who, (*found)->body))
      return forbid(fmt::format("the group \"{}\" carries none of your teams' tags", group));
  }
  return {};
}

Agreed<void> judge(const Operator& who, const Change& change, const LintSettings& lint, const Surroundings& around) {
  const Judge judge(who, change, around);
  if (auto good = judge.lint_tags(lint); !good) return good;
  if (auto good = judge.secrets(); !good) return good;
  if (auto good = judge.membership(); !good) return good;
  if (auto good = judge.custom_id(); !good) return good;
  return judge.name();
}

}  // namespace weir::control
