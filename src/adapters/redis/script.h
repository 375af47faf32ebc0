// A Lua script that runs in Redis: its source and the SHA-1 that EVALSHA names it by. Made once, shared by all
// clients, immutable.
#pragma once

#include <string>
#include <string_view>

namespace weir::adapters::redis {

class Script {
 public:
  explicit Script(std::string source);

  const std::string& source() const noexcept { return source_; }
  std::string_view sha1() const noexcept { return sha1_; }  // hex, as SCRIPT LOAD answers

 private:
  std::string source_;
  std::string sha1_;
};

}  // namespace weir::adapters::redis
