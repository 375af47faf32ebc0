// The two fields of W3C Trace Context Level 2, as text rules: what is valid and what goes on. Used by the
// trace_context filter only; pure functions without allocation beyond the arena.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "http/message/fields.h"

namespace weir::filters {

inline constexpr std::uint8_t kSampled = 0x01;
inline constexpr std::uint8_t kRandomTraceId = 0x02;

struct Traceparent {
  std::string_view trace_id;  // 32 hex digits; a view into the value parsed
  std::uint8_t flags = 0;     // only the bits that this level knows (§3.2.2.5)
};

// §3.2.2: lower-case hex only, ids that are not all zero. Version 00 has exactly four fields; a later one is read by
// its first four (§3.2.2.2, §4.3); ff is no version.
std::optional<Traceparent> parse_traceparent(std::string_view value) noexcept;

// All tracestate fields as one list (§3.3.1): in `arena`, or a view of the only one. Empty when there is none, when a
// member is malformed or when there are more than 32 (§3.3.1.1). A list over 512 bytes is shortened as §3.3.1.5 says:
// members over 128 bytes first, then from the end.
std::string_view join_tracestate(const http::Fields& fields, Arena& arena);

}  // namespace weir::filters
