// The operator's token: where it is found. Never on the command line, where every user of the machine reads it in the
// list of processes. Blocking; the command's thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace weir::remote {

struct Token {
  std::string text;    // empty: there is none
  std::string source;  // "$WEIR_TOKEN", or the file
};

// From `file` if it is not empty, else $WEIR_TOKEN, else home_token_file() if that exists. A file that others may
// read is refused. The error is a sentence with the fix.
std::expected<Token, std::string> find_token(const std::string& file);

std::string home_token_file();  // $XDG_CONFIG_HOME/weir/token or ~/.config/weir/token

// What may be shown of a token: its id, "weirop_4fTq0ZbX_…".
std::string token_hint(std::string_view token);

}  // namespace weir::remote
