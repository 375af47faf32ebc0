// A route's `path_pattern` as segments. Made when a config is compiled, read by the radix tree. Knows nothing of
// hosts, methods or precedence (router.h). Pure values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/problem.h"

namespace weir::snapshot {

// Deepest public APIs have about 15 segments. Also the depth of the lookup's recursion and of its table on the stack.
inline constexpr std::size_t kMaxPatternSegments = 32;
// Fits Match::captures, which lives on the stack of every request.
inline constexpr std::size_t kMaxCaptures = 16;
// No longer target is ever received: HeadLimits::target_bytes (http/h1/h1_parser.h).
inline constexpr std::size_t kMaxPatternBytes = 8 * 1024;

struct PatternSegment {
  enum class Kind : std::uint8_t {
    literal,  // exactly `text`; empty text only as the last segment, for a pattern that ends in '/'
    one,      // `*` or `{name}`: any one segment that is not empty
    rest,     // `**` or `{name...}`: everything that is left, possibly nothing; always last
  };
  Kind kind = Kind::literal;
  std::string text;
};

struct PatternCapture {
  std::string name;
  std::uint8_t segment = 0;  // index into PathPattern::segments
  bool rest = false;
};

// "/users/{id}/**" is literal "users", one, rest. "/" is one empty literal. A path is cut the same way, so that
// "/users/" and "/users" are different paths; "/users/**" takes both, and "/users/a/b".
struct PathPattern {
  std::vector<PatternSegment> segments;
  std::vector<PatternCapture> captures;  // in the order of the pattern
};

// Literal text must be canonical as http::canonicalize leaves it, encoded slashes allowed: what is not could never
// match. On failure the Problem has a message and perhaps a hint, but neither position nor path.
std::expected<PathPattern, Problem> parse_path_pattern(std::string_view text);

}  // namespace weir::snapshot
