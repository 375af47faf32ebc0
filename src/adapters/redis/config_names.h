// The names under which revisions lie in Redis, shared by both sides of the config channel. One hash tag, so that all
// of them are on one node of a cluster and a publication is one script.
#pragma once

#include <string>
#include <string_view>

namespace weir::adapters::redis {

inline constexpr std::string_view kConfigPrefix = "{weir:config}:";
inline constexpr std::string_view kConfigHead = "{weir:config}:head";            // hash: number, digest
inline constexpr std::string_view kConfigNumbers = "{weir:config}:numbers";      // sorted set of those that are kept
inline constexpr std::string_view kConfigInstances = "{weir:config}:instances";  // hash: instance -> receipt, JSON
inline constexpr std::string_view kConfigHints = "weir:config";                  // channel: the new number
inline constexpr std::string_view kConfigReceipts = "weir:config:receipts";      // channel: receipts, JSON

inline std::string document_key(std::uint64_t number) {
  return std::string(kConfigPrefix) + "document:" + std::to_string(number);
}
inline std::string delta_key(std::uint64_t number) {  // leads to that number
  return std::string(kConfigPrefix) + "delta:" + std::to_string(number);
}

}  // namespace weir::adapters::redis
