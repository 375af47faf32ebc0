// In whose `plugin_chain` a filter stands. Words for people: `weir routes` and messages. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::pipeline {

// The weakest first: of two filters of one name the stronger runs. built_in: in nobody's, it is always there.
enum class Origin : std::uint8_t { built_in, global, upstream, route, group, consumer };

std::string_view text(Origin origin) noexcept;  // "built in", "consumer"

}  // namespace weir::pipeline
