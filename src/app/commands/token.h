// `weir token revoke` and `weir token list`: what the command line may ask of them. token.cc runs them.
#pragma once

#include <cstdint>
#include <string>

#include "app/commands/commands.h"

namespace weir::app {

struct TokenOptions {
  enum class Action : std::uint8_t { revoke, list };
  Action action = Action::list;
  std::string config;  // empty: ./weir.yaml
  bool json = false;
  std::string jti;
  std::string subject;  // one of the two
  std::string issuer;   // empty: any, of a jti
  std::string until;    // a duration, a time or seconds since the epoch; empty: never forgotten
  bool later = false;   // of a subject: tokens that are issued from now on, too
};
int token(const TokenOptions& options, pipeline::FilterTable filters);

}  // namespace weir::app
