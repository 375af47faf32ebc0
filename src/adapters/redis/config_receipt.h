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

std::string to_text(const Beat& beat);
// nullopt: not a receipt of ours. Members that are not known are ignored: newer gateways may say more.
std::optional<Beat> beat_from(std::string_view text);

}  // namespace weir::adapters::redis
