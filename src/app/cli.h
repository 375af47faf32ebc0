// The command line: words in, one command with its options out, or what to print instead. CLI11 stops in cli.cc.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "app/cli_remote.h"
#include "app/commands/commands.h"
#include "app/commands/key.h"
#include "app/commands/token.h"
#include "app/completion.h"
#include "app/control/control.h"
#include "app/serve/serve.h"

namespace weir::app {

// Help that was asked for, or what is wrong with the command line.
struct Notice {
  std::string text;
  int exit_code = kOk;  // kOk: the text belongs on standard output, else on standard error
};

using Command = std::variant<Notice, ServeOptions, ControlOptions, CheckOptions, SchemaOptions, RoutesOptions,
                             KeyOptions, TokenOptions, HashPasswordOptions, SealOptions, CompletionOptions,
                             ManOptions, RemoteCommand, VersionOptions>;

Command parse_command_line(int argc, const char* const* argv);

// What can be said on the command line, for whoever completes it: by the tables that it is parsed with.
struct OptionShape {
  std::vector<std::string> names;  // "-f", "--file"; empty: a word that stands alone
  std::vector<std::string> words;  // the values there are, if they are few
  bool takes_value = false;
};
struct CommandShape {
  std::vector<std::string> path;  // {"key", "create"}
  std::vector<OptionShape> options;
  std::vector<std::string> subcommands;
};
// Every command and subcommand, the outer ones first.
std::vector<CommandShape> command_shapes();

}  // namespace weir::app
