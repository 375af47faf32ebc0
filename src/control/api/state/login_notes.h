// What is written down of logins: tokens that did not hold (the audit log's login_failed) and when tokens were last
// used. Kept off the way of requests, which never wait for the store's lock because of it: a thread of its own
// writes, and tries again while the store is away. Made by Api; called from any thread.
//
// Degraded answer: notes wait, kMostFailures of them; what comes on top is dropped and counted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "control/api/state/counts.h"
#include "control/store.h"

namespace weir::control::api {

class LoginNotes {
 public:
  // A hundred networks that fail as often as they may in a minute (throttle.h).
  static constexpr std::size_t kMostFailures = 1000;

  LoginNotes(Store& store, Counts& counts) : store_(store), counts_(counts) {}
  LoginNotes(const LoginNotes&) = delete;
  LoginNotes& operator=(const LoginNotes&) = delete;
  // Writes what waits, if the store takes it; within kStorePatience.
  ~LoginNotes();

  void failed(std::string from, std::int64_t at_ms);
  void used(const std::string& token_id, std::int64_t at);  // seconds; lost ones do not matter
  // Returns once all that was noted is written, or could not be at the first try. For tests.
  void settle();

 private:
  struct Failure {
    std::string from;
    std::int64_t at_ms;
  };
  bool begin();
  void serve();
  bool write(const std::deque<Failure>& failures);

  Store& store_;
  Counts& counts_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable more_;
  std::condition_variable tried_;
  std::deque<Failure> failures_;
  std::map<std::string, std::int64_t> uses_;  // by token; as many as there are tokens
  bool trying_ = false;
  bool failing_ = false;  // the last try
  bool ending_ = false;
  std::thread thread_;  // from the first note on
};

}  // namespace weir::control::api
