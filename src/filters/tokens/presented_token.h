// Where in a request a token may stand, and how it is taken out before the upstream sees it. Used by the filters jwt
// and api_key, on the exchange's thread.
#pragma once

#include <string>
#include <string_view>

#include "filters/config/config.h"
#include "pipeline/exchange.h"

namespace weir::filters {

struct TokenPlaces {
  bool bearer = true;  // Authorization: Bearer (RFC 6750 §2.1)
  FieldRef header;     // another header that holds the bare token; empty name: none
  std::string cookie;
  std::string query_parameter;
};

bool is_cookie_name(std::string_view text, std::string& why);  // FormatCheck

struct PresentedToken {
  enum class Kind : std::uint8_t { none, one, malformed };
  Kind kind = Kind::none;
  std::string_view token;
};

// malformed: more than one token, in two places or twice in one (RFC 6750 §2 forbids it; whoever reads the other one
// would see another caller), or a Bearer credential that is none.
PresentedToken find_token(const pipeline::Exchange& exchange, const TokenPlaces& places);

// Takes the token out of what goes upstream, wherever it stood.
void remove_token(pipeline::Exchange& exchange, const TokenPlaces& places);

}  // namespace weir::filters
