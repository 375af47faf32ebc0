// compile's part for limits: their names and numbers, and whether the config has what they need. Lives for one
// compile.
#pragma once

#include <expected>
#include <string>
#include <unordered_map>

#include "snapshot/compile/context.h"

namespace weir::snapshot {

class LimitBook {
 public:
  explicit LimitBook(CompileContext& context) noexcept : context_(context) {}

  // As MakeContext::limit().
  std::expected<std::uint32_t, std::string> limit(std::string_view name, std::string_view settings, bool shared,
                                                  bool kept);

 private:
  struct Known {
    std::uint32_t index;
    std::string settings;
  };
  CompileContext& context_;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace weir::snapshot
