// Signals as messages: a thread of its own waits for them, everyone else has them blocked. Made first thing in serve,
// so that every later thread inherits the mask.
#pragma once

#include <functional>
#include <thread>

namespace weir::app {

class Signals {
 public:
  // `deliver` is called on the signal thread with SIGHUP, SIGTERM, SIGINT or SIGUSR2. SIGPIPE is ignored from here
  // on.
  explicit Signals(std::function<void(int)> deliver);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  ~Signals();

 private:
  std::thread thread_;
};

}  // namespace weir::app
