// What a developer may say inside an object that is their team's, beyond the tag it carries (operators.h): nothing
// that makes a gateway use what is others', be it a secret, a file, an address of its own machine, or a name that
// means something elsewhere. Used by operators.cc, control/changes/changes.cc and the API's control/api/keys.cc. Does
// not ask whose the object itself is. Blocking where it takes Surroundings; one thread.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/checks/rules.h"
#include "control/objection.h"

namespace weir::control {

// The names that API keys use, whatever the draft knows of them.
struct KeyClaims {
  std::set<std::string, std::less<>> consumers{};
  std::set<std::string, std::less<>> groups{};
  std::set<std::string, std::less<>> custom_ids{};
};
// Empty: no API keys are kept here.
using AskKeyClaims = std::function<Agreed<KeyClaims>()>;

// What stands around the object that is judged.
struct Surroundings {
  std::function<Agreed<std::optional<Object>>(Kind, std::string_view)> find{};
  using Visit = std::function<void(const Object&)>;
  std::function<Agreed<void>(const Visit&)> each{};
  AskKeyClaims keys{};
};

// The part that needs nothing but the object: a place (an entry of plugin_chain, a credential, a member) that names a
// file or a variable of the gateways is as it was; no new address is the gateway's own machine; the plugin_chain of a
// group or a consumer is as it was; a consumer gets no token or certificate that others issue. nullopt: fine; else a
// sentence.
std::optional<std::string> refuse_contents(Kind kind, std::string_view name, const Json* before, const Json* after);

// The rest: secrets, groups, identities and names of others, tags that pass a rule which blocks. Objects: forbidden.
struct Change {
  Kind kind;
  std::string_view name;
  const Json* before;  // nullptr: it is new
  const Json& after;
};
Agreed<void> judge(const Operator& who, const Change& change, const LintSettings& lint, const Surroundings& around);

// Each of `groups` is an object with a tag of one of their teams.
Agreed<void> judge_groups(const Operator& who, std::span<const std::string> groups, const Surroundings& around);

// unix:, loopback, link-local (cloud metadata too), unspecified, or a name that means the machine itself. `text` is a
// target (host:port) or an http(s) URL. Other names are not resolved: what they lead to may change at any time.
bool is_own_machine(std::string_view text);

}  // namespace weir::control
