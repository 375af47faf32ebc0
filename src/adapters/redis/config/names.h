// The names under which revisions lie in Redis, and how failures are told, shared by both sides of the config
// channel. One hash tag, so that all keys are on one node of a cluster and a publication is one script.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/redis/wire/answer.h"
#include "io/loop/clock.h"

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

// A message may be lost: so often both sides look all the same, and say that they are alive. Half of the 5 s in which
// a lost message is to be made good (R13).
inline constexpr io::Duration kConfigEvery = std::chrono::seconds(2);
// Of a command that carries little.
inline constexpr io::Duration kConfigPatience = std::chrono::seconds(2);
// Of one that carries a document: 20 MB at 20 Mbit/s.
inline constexpr io::Duration kDocumentPatience = std::chrono::seconds(10);

// Of an encoded revision: what one reply may hold (adapters/redis/wire/parser.h), with room for what stands around
// it.
inline constexpr std::size_t kMostConfigBytes = std::size_t{63} << 20;

// Of a revision in Redis: whole numbers of Lua and of JSON readers end at 2^53 - 1.
inline constexpr std::uint64_t kHighestNumber = (std::uint64_t{1} << 53U) - 1;

// What the head says, which anybody who reaches Redis may have written.
struct ConfigHead {
  std::uint64_t number = 0;  // 0: Redis has none, or none that is a revision's
  std::string digest;
  bool operator==(const ConfigHead&) const = default;

  // Of HMGET head number digest. Only the way a publisher writes a number counts, as in its script.
  static ConfigHead from(const Reply& reply) {
    const std::string_view digits = reply[0].text();
    if (digits.empty() || digits[0] < '1' || digits[0] > '9') return {};
    const auto number = static_cast<std::uint64_t>(std::max<std::int64_t>(reply[0].integer(), 0));
    if (number == 0 || number > kHighestNumber) return {};
    return {number, std::string(reply[1].text())};
  }
};

inline bool refused(const Answer& answer) noexcept { return !answer || answer->is_error(); }

// Of a refused one, for people.
inline std::string sentence(const Answer& answer) {
  if (answer) return "Redis answers: " + std::string(answer->text());
  return "Redis does not answer: " + std::string(answer.error().detail);
}

}  // namespace weir::adapters::redis
