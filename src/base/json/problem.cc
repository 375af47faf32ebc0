#include "base/json/problem.h"

#include <fmt/format.h>

namespace weir {

std::string describe(const Problem& problem, std::string_view file) {
  std::string out(file);
  if (problem.position.line > 0) out += fmt::format(":{}:{}", problem.position.line, problem.position.column);
  out += ": ";
  if (!problem.path.empty()) out += problem.path + ": ";
  out += problem.message;
  if (!problem.hint.empty()) out += "; " + problem.hint;
  return out;
}

}  // namespace weir
