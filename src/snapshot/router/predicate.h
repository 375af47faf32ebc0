// What a route asks of a request besides host, path and method: one header or query parameter. Evaluated by the
// router for the few routes that have any. Plain values, any thread. Not for access control: a client writes these.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/message/fields.h"

namespace weir::snapshot {

struct Predicate {
  enum class Source : std::uint8_t { header, query };
  enum class Test : std::uint8_t { present, exact, prefix };

  Source source = Source::header;
  Test test = Test::present;
  std::string name;                                        // of a header: case does not matter
  std::string value;                                       // empty for Test::present
  bool operator==(const Predicate& other) const noexcept;  // header names without regard to case
};

// Whether the request fits. Of several fields or parameters with the name the FIRST counts, so that two routes with
// different values never both fit. `query` is raw, without '?': names and values are compared form-decoded ('+' is a
// space, an invalid %XX is itself). Never allocates.
bool fits(const Predicate& predicate, const http::Fields& fields, std::string_view query) noexcept;

// True if no request can fit both.
bool disjoint(const Predicate& a, const Predicate& b) noexcept;

// `header x-canary = "1"`, `query v begins with "2"`, `header x-canary is present`.
std::string describe(const Predicate& predicate);

}  // namespace weir::snapshot
