// What works and should yet be otherwise: routes that ask nobody who they are, have no limit or no timeout, upstreams
// spoken to in clear. Run by publish and check on the compiled snapshot, so that scopes and defaults count as
// gateways see them. An object with the tag lint-ignore:RULE is left alone. Pure; any thread.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "control/finding.h"
#include "snapshot/snapshot.h"

namespace weir::control {

struct LintRule {
  std::string_view name;
  Severity severity;  // unless configured otherwise
  std::string_view summary;
};
std::span<const LintRule> lint_rules() noexcept;

// By rule; rules that are not in it have their own severity. app/ refuses rules that lint_rules() does not have.
using LintSettings = std::map<std::string, Severity, std::less<>>;

// `snapshot` must be of `document` (merged with any instance part).
Findings lint(const Json& document, const snapshot::Snapshot& snapshot, const LintSettings& settings);

}  // namespace weir::control
