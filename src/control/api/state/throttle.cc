#include "control/api/state/throttle.h"

#include <algorithm>

#include "base/ip.h"

namespace weir::control::api {

std::string network_of(std::string_view address) {
  const auto ip = IpAddress::parse(address);
  if (!ip || ip->is_v4()) return std::string(address);
  IpAddress::Bytes bytes = ip->bytes();
  std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
  return IpAddress(bytes).to_string() + "/64";
}

std::int64_t Throttle::wait_of(std::string_view address, std::int64_t now_ms) const {
  const std::string network = network_of(address);
  const std::lock_guard lock(mutex_);
  const auto found = by_network_.find(network);
  if (found == by_network_.end() || found->second->failures < kFailures) return 0;
  const std::int64_t left = found->second->begin_ms + kWindowMs - now_ms;
  return left <= 0 ? 0 : (left + 999) / 1000;
}

void Throttle::failed(std::string_view address, std::int64_t now_ms) {
  const std::string network = network_of(address);
  const std::lock_guard lock(mutex_);
  auto found = by_network_.find(network);
  if (found != by_network_.end() && now_ms - found->second->begin_ms >= kWindowMs) {
    windows_.erase(found->second);
    by_network_.erase(found);
    found = by_network_.end();
  }
  if (found == by_network_.end()) {
    if (windows_.size() >= kNetworks) {
      by_network_.erase(windows_.front().network);
      windows_.pop_front();
    }
    found = by_network_.emplace(network, windows_.insert(windows_.end(), {network, now_ms, 0})).first;
  }
  ++found->second->failures;
}

}  // namespace weir::control::api
