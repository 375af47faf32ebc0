#include "adapters/redis/wire/unusable.h"

#include <utility>

namespace weir::adapters::redis {

std::string_view unusable(std::string_view code) noexcept {
  static constexpr std::pair<std::string_view, std::string_view> kCodes[] = {
      {"LOADING", "it is loading its data"},
      {"READONLY", "it is a replica"},
      {"MASTERDOWN", "it is a replica without its master"},
      {"CLUSTERDOWN", "the cluster is down"},
      {"TRYAGAIN", "the slot is being moved"},
      {"BUSY", "a script keeps it busy"},
      {"MISCONF", "it cannot save its data"},
      {"NOREPLICAS", "it has too few replicas to write"},
      {"OOM", "it is out of memory"},
  };
  if (code.empty()) return {};
  for (const auto& [known, words] : kCodes) {
    if (known == code) return words;
  }
  return {};
}

}  // namespace weir::adapters::redis
