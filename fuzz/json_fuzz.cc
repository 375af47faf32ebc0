// fuzz: base/*
// The JSON reader and writers: whatever is read must survive both written forms, and any bytes at all must become one
// valid JSON string of the access log.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/json/json.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto json = weir::parse_json(text)) {
    const std::string canonical = to_canonical(*json);
    const auto again = weir::parse_json(canonical);
    require(again.has_value() && to_canonical(*again) == canonical);
    const auto pretty = weir::parse_json(to_pretty(*json));
    require(pretty.has_value() && to_canonical(*pretty) == canonical);
  } else {
    require(json.error().position.line >= 1 && json.error().position.column >= 1 && !json.error().message.empty());
  }
  std::string escaped;
  weir::append_json_string(escaped, text);
  const auto read = weir::parse_json(escaped);
  require(read.has_value() && read->is_string());
  return 0;
}
