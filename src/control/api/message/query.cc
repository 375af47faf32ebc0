#include "control/api/message/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hex.h"
#include "base/json/nearest.h"
#include "base/json/quantity.h"
#include "base/json/utf8.h"

namespace weir::control::api {
namespace {

std::unexpected<Refusal> wrong(std::string_view name, std::string message, std::string hint = {}) {
  return refuse(
      Why::bad_request,
      FieldProblem{.field = "?" + std::string(name), .message = std::move(message), .hint = std::move(hint)});
}

// UTF-8 without NUL: what a database compares.
bool is_text(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0 || text.front() == '\0') return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace

Outcome<Query> Query::of(const ApiRequest& request, std::span<const std::string_view> known) {
  for (auto at = request.query.begin(); at != request.query.end(); ++at) {
    const std::string& name = at->name;
    if (std::ranges::find(known, name) == known.end())
      return wrong(name, fmt::format("{} takes no parameter `{}`", request.path, name),
                   did_you_mean(name, {known.begin(), known.end()}, "known parameters"));
    if (std::find_if(request.query.begin(), at, [&](const auto& one) { return one.name == name; }) != at)
      return wrong(name, "is there twice");
  }
  return Query(request);
}

const std::string* Query::find(std::string_view name) const noexcept {
  const auto found = std::ranges::find(request_->query, name, &QueryParameter::name);
  return found == request_->query.end() ? nullptr : &found->value;
}

std::string_view Query::text(std::string_view name) const noexcept {
  const std::string* found = find(name);
  return found ? std::string_view(*found) : std::string_view();
}

Outcome<bool> Query::flag(std::string_view name) const {
  const auto found = std::ranges::find(request_->query, name, &QueryParameter::name);
  if (found == request_->query.end() || found->value == "false") return false;
  if (found->alone || found->value == "true") return true;
  if (found->value.empty()) return wrong(name, "expected true or false behind `=`, and nothing stands there");
  return wrong(name, fmt::format("expected true or false, not `{}`", found->value));
}

Outcome<std::int64_t> Query::number(std::string_view name, std::int64_t least, std::int64_t most,
                                    std::int64_t fallback) const {
  const std::string* found = find(name);
  if (found == nullptr) return fallback;
  std::int64_t out = 0;
  const char* end = found->data() + found->size();
  const auto read = std::from_chars(found->data(), end, out);
  if (found->empty() || read.ec != std::errc() || read.ptr != end || out < least || out > most)
    return wrong(name, fmt::format("expected a whole number from {} to {}, not `{}`", least, most, *found));
  return out;
}

Outcome<std::chrono::milliseconds> Query::duration(std::string_view name, std::chrono::milliseconds most,
                                                   std::chrono::milliseconds fallback) const {
  const std::string* found = find(name);
  if (found == nullptr) return fallback;
  const auto parsed = parse_duration(*found);
  if (!parsed || *parsed > most)
    return wrong(name,
                 fmt::format("expected a duration up to {}, such as 5s, not `{}`", format_duration(most), *found));
  return *parsed;
}

Outcome<std::size_t> Query::limit() const {
  const auto limit = number("limit", 1, kMostItems, kItems);
  if (!limit) return std::unexpected(limit.error());
  return static_cast<std::size_t>(*limit);
}

Outcome<Page> Query::page(std::string_view list) const {
  Page out;
  auto most = limit();
  if (!most) return std::unexpected(most.error());
  out.limit = *most + 1;
  out.tag = text("tag");
  out.text = text("q");
  if (const std::string* cursor = find("cursor")) {
    auto last = read_cursor(list, *cursor);
    if (!last)
      return wrong("cursor", "is not a cursor of this list", "take next_cursor of the page before, as it is");
    out.after = std::move(*last);
  }
  return out;
}

Outcome<std::uint64_t> Query::after_number(std::string_view list) const {
  const std::string* cursor = find("cursor");
  if (cursor == nullptr) return 0;
  std::uint64_t out = 0;
  const auto last = read_cursor(list, *cursor);
  if (last) {
    const char* end = last->data() + last->size();
    const auto read = std::from_chars(last->data(), end, out);
    if (read.ec == std::errc() && read.ptr == end && out != 0 && out <= INT64_MAX) return out;
  }
  return wrong("cursor", "is not a cursor of this list", "take next_cursor of the page before, as it is");
}

std::string make_cursor(std::string_view list, std::string_view last) {
  std::string out;
  for (const char c : fmt::format("{}:{}", list, last))
    out.append(kHexPairs.data() + std::size_t{2} * static_cast<unsigned char>(c), 2);
  return out;
}

std::optional<std::string> read_cursor(std::string_view list, std::string_view cursor) {
  std::string text;
  for (std::size_t i = 0; i + 1 < cursor.size(); i += 2) {
    unsigned byte = 0;
    const auto read = std::from_chars(cursor.data() + i, cursor.data() + i + 2, byte, 16);
    if (read.ec != std::errc() || read.ptr != cursor.data() + i + 2) return std::nullopt;
    text += static_cast<char>(byte);
  }
  if (!text.starts_with(list) || text.size() <= list.size() + 1 || text[list.size()] != ':') return std::nullopt;
  text.erase(0, list.size() + 1);
  // Other spellings of the same cursor (upper case, an odd digit) are none of ours; neither are names of other bytes.
  if (make_cursor(list, text) != cursor || !is_text(text)) return std::nullopt;
  return text;
}

}  // namespace weir::control::api
