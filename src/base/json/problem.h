// One mistake in something a person wrote (config file, command line): where it is, what is wrong, how to mend it.
// Made by the loader, the schema check and compile; printed by `weir check`. Never on the way of a request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

struct Position {
  int line = 0;  // 1-based; 0 = not from a text
  int column = 0;
};

struct Problem {
  Position position;
  std::string path;     // where in the document: "routes[2].path_pattern"; empty for the whole
  std::string message;  // what is wrong, in words of the file: `unknown field "path_patern"`
  std::string hint;     // the fix: `did you mean "path_pattern"?`; may be empty
};

using Problems = std::vector<Problem>;

// "weir.yaml:12:5: routes[2].path_pattern: message (hint)", one line, no newline at the end.
std::string describe(const Problem& problem, std::string_view file);

}  // namespace weir
