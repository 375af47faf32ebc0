// Where finished records go: the data plane's only view of a log. Called on the worker's thread, never waits, never
// fails the request: what cannot be kept is counted.
#pragma once

#include <string_view>

namespace weir::ports {

class LogSink {
 public:
  virtual ~LogSink() = default;
  // One record, a line without its newline; copied before this returns.
  virtual void append(std::string_view record) = 0;
};

}  // namespace weir::ports
