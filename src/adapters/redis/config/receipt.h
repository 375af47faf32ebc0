// The JSON form of a receipt, as both sides of the config channel write and read it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ports/config_channel.h"

namespace weir::adapters::redis {

struct Beat {
  ports::Receipt receipt;
  std::int64_t sent_ms = 0;  // by the instance's clock; another value means that it is alive
};

// Of all its fields with every byte as an escape of six.
inline constexpr std::size_t kLongestReceipt = 16 * 1024;
// Of a host's name (64), a dash and an id, or of the config's own word (128).
inline constexpr std::size_t kLongestInstance = 128;
// Printable ASCII without spaces.
bool is_instance(std::string_view name) noexcept;

std::string to_text(const Beat& beat);
// nullopt: not a receipt of ours, or longer than one ever is. Members that are not known are ignored: newer gateways
// may say more.
std::optional<Beat> beat_from(std::string_view text);

}  // namespace weir::adapters::redis
