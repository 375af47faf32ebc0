// The words of `weir --help` and `weir COMMAND --help`: written for someone who sees Weir for the first time. Options
// are listed here by hand and parsed in cli.cc; a test compares the two.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weir::app {

struct CommandHelp {
  std::string_view name;
  std::string_view text;
  std::string_view more = {};  // words that several commands share, printed behind `text`
};

std::string_view overview();
std::span<const CommandHelp> command_helps();   // in the order of the overview
std::string help_of(std::string_view command);  // the overview if there is no such command

// What the help says of an option, "--grace", or of a word such as "create": the first line of it. Empty: nothing.
std::string_view help_line(std::string_view command, std::string_view word);

}  // namespace weir::app
