// The Bearer token of a request (RFC 6750 §2.1), taken out of Authorization alone: never from the query or a form,
// where it would end in logs. For filters that establish who calls by one. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "http/message/fields.h"

namespace weir::filters {

struct Bearer {
  enum class Kind : std::uint8_t {
    none,       // no Authorization, or another scheme: not this filter's to judge
    presented,  // token holds it: letters, digits and -._~+/ with = at the end, nothing else
    malformed,  // Bearer, but no token of that form, one beyond 8 KiB, or several Authorization fields
  };
  Kind kind = Kind::none;
  std::string_view token;
};

Bearer bearer(const http::Fields& fields) noexcept;

// `Bearer realm="…"` and what follows it, as a WWW-Authenticate value (RFC 6750 §3). The values hold no quotes.
std::string bearer_challenge(std::string_view realm, std::string_view error = {}, std::string_view description = {},
                             std::string_view scope = {});

}  // namespace weir::filters
