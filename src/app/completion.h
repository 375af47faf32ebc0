// What shells and manuals are told about the command line: made of the tables it is parsed with (cli.h) and of the
// words of --help (help.h), so that neither can say something else. The command's thread.
#pragma once

#include <string>

namespace weir::app {

struct CompletionOptions {
  std::string shell;  // "bash", "zsh" or "fish"
};
int completion(const CompletionOptions& options);

struct ManOptions {};
int man(const ManOptions& options);

}  // namespace weir::app
