// Handing over to a new binary without closing a listening socket (SIGUSR2): this process starts its own executable's
// path again, with the sockets and one end of a pair; when the other side says it serves, this one may drain.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "io/stream.h"

namespace weir::app {

// Call at the very start: remembers the path and the arguments, before anything can be replaced.
class Successor {
 public:
  Successor();

  // Starts it. Resumes with an error when it could not be started or ended, or stayed silent for a minute, without
  // having served.
  io::Task<std::expected<void, std::string>> start(io::Loop& loop, std::vector<int> sockets);

  // In the successor: tells the predecessor, if there is one, that we serve.
  static void announce();

 private:
  std::string path_;
  std::vector<std::string> arguments_;
};

}  // namespace weir::app
