// Parsing and joining trace fields (traceparent.h). Exchange's thread, once per request.
#include "filters/pre_auth/traceparent.h"

#include <algorithm>
#include <cstring>

namespace weir::filters {
namespace {

constexpr std::size_t kLongestState = 512;  // §3.3.1.5: what must at least be passed on
constexpr std::size_t kLargeMember = 128;   // §3.3.1.5
constexpr std::size_t kMostMembers = 32;    // §3.3.1.1

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_hex(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return hex_digit(c) >= 0; });
}

bool is_id(std::string_view text) noexcept {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool is_lower_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_key(std::string_view key) noexcept {
  return !key.empty() && key.size() <= 256 && is_lower_or_digit(key[0]) && std::ranges::all_of(key, [](char c) {
    return is_lower_or_digit(c) || c == '_' || c == '-' || c == '*' || c == '/' || c == '@';
  });
}

bool is_value(std::string_view value) noexcept {
  return !value.empty() && value.size() <= 256 && value.back() != ' ' &&
         std::ranges::all_of(value, [](char c) { return c >= 0x20 && c <= 0x7e && c != ',' && c != '='; });
}

bool is_member(std::string_view member) noexcept {
  const std::size_t equals = member.find('=');
  return equals != std::string_view::npos && is_key(member.substr(0, equals)) && is_value(member.substr(equals + 1));
}

struct Members {
  std::string_view items[kMostMembers];
  std::size_t count = 0;
  std::size_t size() const noexcept {  // of the list with its commas
    std::size_t out = count > 0 ? count - 1 : 0;
    for (std::size_t i = 0; i < count; ++i) out += items[i].size();
    return out;
  }
};

// False: not to be passed on.
bool split(std::string_view value, Members& out) noexcept {
  while (true) {
    const std::size_t comma = value.find(',');
    const std::string_view member = trim(value.substr(0, comma));
    if (!member.empty()) {  // §3.3.1.1: empty members are allowed and mean nothing
      if (out.count == kMostMembers || !is_member(member)) return false;
      out.items[out.count++] = member;
    }
    if (comma == std::string_view::npos) return true;
    value.remove_prefix(comma + 1);
  }
}

void shorten(Members& members) noexcept {
  for (std::size_t i = members.count; i-- > 0 && members.size() > kLongestState;) {
    if (members.items[i].size() <= kLargeMember) continue;
    std::copy(members.items + i + 1, members.items + members.count, members.items + i);
    --members.count;
  }
  while (members.size() > kLongestState) --members.count;
}

}  // namespace

std::optional<Traceparent> parse_traceparent(std::string_view value) noexcept {
  constexpr std::size_t kLength = 55;
  if (value.size() < kLength || value[2] != '-' || value[35] != '-' || value[52] != '-') return std::nullopt;
  const std::string_view version = value.substr(0, 2);
  if (!is_hex(version) || version == "ff") return std::nullopt;
  if (value.size() > kLength && (version == "00" || value[kLength] != '-')) return std::nullopt;
  const std::string_view trace_id = value.substr(3, 32);
  const std::string_view flags = value.substr(53, 2);
  if (!is_id(trace_id) || !is_id(value.substr(36, 16)) || !is_hex(flags)) return std::nullopt;
  const auto bits = static_cast<std::uint8_t>(hex_digit(flags[1]) & (kSampled | kRandomTraceId));
  return Traceparent{trace_id, bits};
}

std::string_view join_tracestate(const http::Fields& fields, Arena& arena) {
  Members members;
  std::size_t seen = 0;
  std::string_view only;
  for (const http::Field& field : fields) {
    if (field.id != http::FieldName::tracestate) continue;
    if (!split(field.value, members)) return {};
    only = field.value;
    ++seen;
  }
  if (members.count == 0) return {};
  if (seen == 1 && only.size() <= kLongestState) return only;
  shorten(members);
  const std::size_t size = members.size();
  char* const out = arena.allocate(size);
  char* at = out;
  for (std::size_t i = 0; i < members.count; ++i) {
    if (i != 0) *at++ = ',';
    std::memcpy(at, members.items[i].data(), members.items[i].size());
    at += members.items[i].size();
  }
  return {out, size};
}

}  // namespace weir::filters
