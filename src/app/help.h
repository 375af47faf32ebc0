// The words of `weir --help` and `weir COMMAND --help`: written for someone who sees Weir for the first time. Options
// are listed here by hand and parsed in cli.cc; a test compares the two.
#pragma once

#include <span>
#include <string_view>

namespace weir::app {

struct CommandHelp {
  std::string_view name;
  std::string_view text;
};

std::string_view overview();
std::span<const CommandHelp> command_helps();  // in the order of the overview
std::string_view help_of(std::string_view command);

}  // namespace weir::app
