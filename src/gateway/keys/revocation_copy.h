// The copy of the revoked tokens in Redis that a gateway keeps below its state_dir (`revoked`), so that one that
// starts while Redis is away lets none of them in. Lines "UNTIL LINE", the last one "sha256 HEX" of all before it:
// what was cut off or changed by accident is no copy. It is no seal: who writes state_dir is trusted as who writes
// the config. Blocks: called by io/offload for app/feeds/revocation_feed.h.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace weir::gateway {

// A line of revocation_list.h and when it may be forgotten: seconds since the epoch, infinity for never.
struct Revoked {
  double until = 0;
  std::string line;  // without a line end
  bool operator==(const Revoked&) const = default;
};

// Whole or not at all, whatever is killed meanwhile. The error is a sentence.
std::expected<void, std::string> write_revocation_copy(const std::string& state_dir,
                                                       const std::vector<Revoked>& list);

// No file: an empty list, as of a gateway that starts for the first time. The error is a sentence: the file is
// damaged or cannot be read. What may be forgotten at `now` is left out.
std::expected<std::vector<Revoked>, std::string> read_revocation_copy(const std::string& state_dir, double now);

}  // namespace weir::gateway
