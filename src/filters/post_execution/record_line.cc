#include "filters/post_execution/record_line.h"

#include <algorithm>
#include <string>

#include "base/json/json.h"

namespace weir::filters {

void RecordLine::json(std::string_view text) {
  if (plain_json_prefix(text) != text.size()) [[unlikely]] {
    std::string escaped;
    append_json_string(escaped, text);
    bytes(escaped);
    return;
  }
  room(text.size() + 2);
  *at_++ = '"';
  at_ = copy(at_, text);
  *at_++ = '"';
}

void RecordLine::grow(std::size_t size) {
  const auto used = static_cast<std::size_t>(at_ - bytes_.get());
  const std::size_t capacity = std::max<std::size_t>(2 * (used + size), 2048);
  auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
  if (used != 0) std::memcpy(bytes.get(), bytes_.get(), used);
  bytes_ = std::move(bytes);
  at_ = bytes_.get() + used;
  end_ = bytes_.get() + capacity;
}

}  // namespace weir::filters
