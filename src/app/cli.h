// The command line: words in, one command with its options out, or what to print instead. CLI11 stops in cli.cc.
#pragma once

#include <string>
#include <variant>

#include "app/commands.h"
#include "app/control.h"
#include "app/key.h"
#include "app/serve.h"
#include "app/token.h"

namespace weir::app {

// Help that was asked for, or what is wrong with the command line.
struct Notice {
  std::string text;
  int exit_code = kOk;  // kOk: the text belongs on standard output, else on standard error
};

using Command = std::variant<Notice, ServeOptions, ControlOptions, CheckOptions, SchemaOptions, RoutesOptions,
                             KeyOptions, TokenOptions, HashPasswordOptions, SealOptions, VersionOptions>;

Command parse_command_line(int argc, const char* const* argv);

}  // namespace weir::app
