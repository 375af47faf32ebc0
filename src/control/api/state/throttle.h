// Failed logins by network: ten a minute, then it waits. Guessing a token is hopeless anyway; this keeps the database
// from being asked for every guess, and makes the attempt show. Any thread.
#pragma once

#include <cstdint>
#include <list>
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
  // A megabyte or two. Beyond it the window that began first is forgotten: of a distributed attack, the first
  // networks get ten more guesses each.
  static constexpr std::size_t kNetworks = 10'000;

  // Seconds until `address` (the client's, as text) may try again; 0: now.
  std::int64_t wait_of(std::string_view address, std::int64_t now_ms) const;
  void failed(std::string_view address, std::int64_t now_ms);

 private:
  struct Window {
    std::string network;
    std::int64_t begin_ms = 0;
    int failures = 0;
  };
  mutable std::mutex mutex_;
  std::list<Window> windows_;  // by their begin
  std::map<std::string, std::list<Window>::iterator, std::less<>> by_network_;
};

// What counts as one: an IPv4 address, the /64 of an IPv6 address (RFC 6177: the least that a site is given), and of
// what is no address its text.
std::string network_of(std::string_view address);

}  // namespace weir::control::api
