#include "control/api/throttle.h"

namespace weir::control::api {

std::int64_t Throttle::wait_of(std::string_view address, std::int64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  const auto found = windows_.find(address);
  if (found == windows_.end() || found->second.failures < kFailures) return 0;
  const std::int64_t left = found->second.begin_ms + kWindowMs - now_ms;
  return left <= 0 ? 0 : (left + 999) / 1000;
}

void Throttle::failed(std::string_view address, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  auto found = windows_.find(address);
  if (found == windows_.end()) {
    if (windows_.size() >= kAddresses) windows_.clear();
    found = windows_.emplace(address, Window{now_ms, 0}).first;
  }
  Window& window = found->second;
  if (now_ms - window.begin_ms >= kWindowMs) window = {now_ms, 0};
  ++window.failures;
}

}  // namespace weir::control::api
