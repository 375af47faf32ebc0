// What an authorisation server says about a token (RFC 7662 §2.2), read strictly: what is not exactly as the RFC has
// it is no answer, and whoever asked is refused. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace weir::filters {

struct Introspection {
  bool active = false;  // if false all else is empty
  bool bound = false;   // to a key of its holder (`cnf`, RFC 7800): showing the token alone proves nothing
  std::string client_id;
  std::string subject;
  std::string username;
  std::string issuer;
  std::string token_id;  // jti
  std::vector<std::string> scopes;
  std::vector<std::string> audiences;
  std::int64_t expires = 0;     // seconds since the epoch; 0: it does not say
  std::int64_t not_before = 0;  // the same
};

// `active` must be a boolean: "true" in quotes is an error (attacks C8). Errors: auth_unavailable, with what is
// wrong.
Result<Introspection> read_introspection(std::string_view body);

}  // namespace weir::filters
