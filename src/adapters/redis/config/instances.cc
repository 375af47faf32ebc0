#include "adapters/redis/config/instances.h"

#include <algorithm>

namespace weir::adapters::redis {

std::optional<io::Duration> ConfigInstances::hear(const Beat& beat, bool told, io::TimePoint now,
                                                  std::int64_t now_ms) {
  const auto known = heard_.find(beat.receipt.instance);
  io::Duration ago{};
  if (known != heard_.end()) {
    const std::int64_t last = known->second.sent_ms;
    // Read before what was told meanwhile.
    if (beat.sent_ms == last || (!told && beat.sent_ms < last)) return std::nullopt;
  } else {
    if (heard_.size() >= kMost) return std::nullopt;
    if (!told) ago = std::chrono::milliseconds(std::max<std::int64_t>(now_ms - beat.sent_ms, 0));
  }
  heard_[beat.receipt.instance] = {beat.sent_ms, now - ago};
  return ago;
}

std::vector<std::string> ConfigInstances::forget(io::TimePoint now, io::Duration silent) {
  std::vector<std::string> out;
  std::erase_if(heard_, [&](const auto& one) {
    if (now - one.second.seen <= silent) return false;
    out.push_back(one.first);
    return true;
  });
  return out;
}

}  // namespace weir::adapters::redis
