#include "filters/auth/checked_passwords.h"

#include <cstring>

#include "crypto/secret.h"

namespace weir::filters {
namespace {

crypto::Mac random_key() {
  std::string key(32, '\0');
  crypto::random_bytes({reinterpret_cast<unsigned char*>(key.data()), key.size()});
  crypto::Mac out(key);
  crypto::wipe(key);
  return out;
}

}  // namespace

CheckedPasswords::CheckedPasswords() : key_(random_key()) {}

std::size_t CheckedPasswords::MarkHash::operator()(const crypto::Digest& mark) const noexcept {
  std::size_t out;
  std::memcpy(&out, mark.data(), sizeof out);
  return out;
}

crypto::Digest CheckedPasswords::mark(std::initializer_list<std::string_view> parts) const noexcept {
  // Each part hashed by itself: "a" + "bc" is not "ab" + "c".
  std::array<crypto::Digest, 4> digests;
  std::size_t count = 0;
  for (const std::string_view part : parts) digests.at(count++) = key_(part);
  return key_(std::string_view(reinterpret_cast<const char*>(digests.data()), count * sizeof digests[0]));
}

std::optional<bool> CheckedPasswords::find(const crypto::Digest& mark, io::TimePoint now) const noexcept {
  for (const Verdicts* verdicts : {&recent_, &older_}) {
    const auto at = verdicts->find(mark);
    if (at != verdicts->end() && now < at->second.until) return at->second.holds;
  }
  return std::nullopt;
}

bool CheckedPasswords::begin(const crypto::Digest& mark) { return checking_.try_emplace(mark).second; }

void CheckedPasswords::settle(const crypto::Digest& mark, std::optional<bool> holds, io::TimePoint now) {
  if (holds) {
    if (recent_.size() >= kMost) {
      older_ = std::move(recent_);
      recent_.clear();
    }
    recent_[mark] = {*holds, now + (*holds ? io::Duration(kGood) : io::Duration(kBad))};
  }
  const auto at = checking_.find(mark);
  if (at == checking_.end()) return;
  const std::vector<Waiter*> waiting = std::move(at->second);
  checking_.erase(at);
  for (Waiter* waiter : waiting) {
    waiter->holds = holds;
    waiter->handle.resume();
  }
}

}  // namespace weir::filters
