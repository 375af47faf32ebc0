// The three newest good revisions on disk, `<state_dir>/revisions/`, so that a gateway that starts while the control
// plane and Redis are away serves what it served before; and the name it goes by, `<state_dir>/instance_id`. Called
// by the config follower, on offload threads: everything here blocks. What is read from disk is trusted no more than
// the network: only what decodes and whose signature holds is given. No file but its own is touched.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "revision/signed.h"

namespace weir::gateway {

class LastGood {
 public:
  // Generations: the one in use, and two to fall back to (faults.md R9).
  static constexpr std::size_t kGenerations = 3;
  // What Redis can bring is not longer (adapters/redis/wire/parser.h): a longer file is none of ours.
  static constexpr std::size_t kMostBytes = std::size_t{65} << 20;

  explicit LastGood(const std::string& state_dir) : directory_(state_dir + "/revisions") {}

  // On disk when it returns, whole or not at all, whatever is killed meanwhile; then the oldest are removed. `good`:
  // it has been verified and is in use. The error is a sentence. Processes may do so side by side (a binary upgrade).
  std::expected<void, std::string> save(const revision::Signed& good) const;

  struct Loaded {
    std::optional<revision::Signed> revision;  // the newest whose signature holds
    std::vector<std::string> skipped;          // a sentence for each newer one that was not usable, for the log
  };
  // `below`: only of those with a lower number: the next older, where one does not compile any more.
  Loaded load(const revision::PublicKey& key, std::uint64_t below = UINT64_MAX) const;

 private:
  std::string directory_;
};

// 16 hex digits, made once and kept: the same after every restart. The error is a sentence.
std::expected<std::string, std::string> instance_id(const std::string& state_dir);

}  // namespace weir::gateway
