// What is wrong, or should be better, with the draft or a change of it: always with the object, the field and the
// fix. Made by objects, compile, lint and guards; shown by the admin API and the operator's commands. Plain values;
// any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/json.h"
#include "base/json/problem.h"
#include "control/model.h"

namespace weir::control {

// ignore: left out. warn: published all the same. block: not published. error: does not work, whatever is configured.
enum class Severity : std::uint8_t { ignore, warn, block, error };
std::string_view word(Severity severity) noexcept;
std::optional<Severity> severity_of(std::string_view word) noexcept;  // of those a config may say: not error

struct Finding {
  Severity severity = Severity::error;
  std::string rule{};          // checks/lint.h's, checks/guards.h's, or "invalid": the form or compile
  std::optional<Kind> kind{};  // nullopt: the whole config, or the instance part
  std::string name{};
  std::string field{};  // "plugin_chain[0].config.limits"; empty: the object
  std::string message{};
  std::string hint{};
};
using Findings = std::vector<Finding>;

// {severity, rule, kind, name, field, message, hint}, empty ones left out.
Json to_json(const Finding& finding);
// `route "orders": upstream_url: no upstream is named "ordres" (did you mean "orders"?)`
std::string describe(const Finding& finding);

bool stands_in_the_way(const Finding& finding) noexcept;  // block or error

// A problem of a document ("routes[3].upstream_url") by the object it is about.
Finding finding_of(const Json& document, const Problem& problem);
// Of an object's body, its path being the field.
Finding finding_of(Kind kind, std::string_view name, const Problem& problem);

}  // namespace weir::control
