// "Did you mean …?": the known word nearest to a mistyped one. Used by the schema check, by compile for dangling
// names and by the command line. Cold path; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir {

// The candidate within 2 edits (insert, delete, replace, swap neighbours; ASCII case ignored) of `word`, or within a
// third of its length if that is more; empty if none. Two edits catch nearly all slips of the finger in words of this
// size.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// The hint of a Problem: `did you mean "x"?`, else "<label>: a, b, c" (the first 20), else empty. For the label see
// "known fields" or "known upstreams".
std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates,
                         std::string_view label);

}  // namespace weir
