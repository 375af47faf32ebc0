// Failed logins by address: ten a minute, then it waits. Guessing a token is hopeless anyway; this keeps the database
// from being asked for every guess, and makes the attempt show. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace weir::control::api {

class Throttle {
 public:
  // OWASP's Authentication Cheat Sheet leaves the number open; ten is more than a person mistypes.
  static constexpr int kFailures = 10;
  static constexpr std::int64_t kWindowMs = 60'000;
  // Beyond this many addresses the whole table begins anew: a distributed attack gets ten more guesses each.
  static constexpr std::size_t kAddresses = 10'000;

  // Seconds until `address` may try again; 0: now.
  std::int64_t wait_of(std::string_view address, std::int64_t now_ms) const;
  void failed(std::string_view address, std::int64_t now_ms);

 private:
  struct Window {
    std::int64_t begin_ms = 0;
    int failures = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Window, std::less<>> windows_;
};

}  // namespace weir::control::api
