// Field names as numbers. Called by the parsers for every field received and by filters for names from the config.
// Does not check that a name is a token: the parser has done that. Any thread.
#include "http/message/field_name.h"

#include <array>
#include <cstddef>
#include <cstring>

namespace weir::http {
namespace {

// In the order of the enum.
constexpr std::array<std::string_view, 38> kTexts = {
    "",
    "Accept-Encoding",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Authorization",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Date",
    "Expect",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Location",
    "Origin",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Referer",
    "Server",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "traceparent",
    "tracestate",
    "Upgrade",
    "User-Agent",
    "Vary",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-Id",
};
static_assert(kTexts.size() == static_cast<std::size_t>(FieldName::x_request_id) + 1);

// Eight ASCII letters to lower case at once; every other byte, 0x80 and above included, stays as it is.
constexpr std::uint64_t lower(std::uint64_t bytes) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  const std::uint64_t low7 = bytes & (ones * 0x7f);
  const std::uint64_t above_z = low7 + ones * (0x7f - 'Z');
  const std::uint64_t from_a = low7 + ones * (0x80 - 'A');
  const std::uint64_t upper = ~bytes & (from_a ^ above_z) & (ones * 0x80);
  return bytes | (upper >> 2);
}

template <class Word>
std::uint64_t load(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// The one name that could be meant, by length and first letter (and one more where two share those).
FieldName candidate(std::string_view name) noexcept {
  const char first = static_cast<char>(name[0] | 0x20);
  using enum FieldName;
  switch (name.size()) {
    case 2:
      return te;
    case 3:
      return via;
    case 4:
      return first == 'h' ? host : first == 'd' ? date : vary;
    case 6:
      return first == 'c' ? cookie : first == 'o' ? origin : first == 'e' ? expect : server;
    case 7:
      return first == 'r' ? referer : first == 'u' ? upgrade : trailer;
    case 8:
      return location;
    case 9:
      return first == 'f' ? forwarded : x_real_ip;
    case 10:
      return first == 'u' ? user_agent : first == 'c' ? connection : first == 'k' ? keep_alive : tracestate;
    case 11:
      return traceparent;
    case 12:
      return first == 'c' ? content_type : x_request_id;
    case 13:
      return authorization;
    case 14:
      return first == 'c' ? content_length : http2_settings;
    case 15:
      return first == 'a' ? accept_encoding : x_forwarded_for;
    case 16:
      return first == 'p' ? proxy_connection : (name[12] | 0x20) == 'h' ? x_forwarded_host : x_forwarded_port;
    case 17:
      return first == 't' ? transfer_encoding : x_forwarded_proto;
    case 18:
      return proxy_authenticate;
    case 19:
      return proxy_authorization;
    case 25:
      return proxy_authentication_info;
    case 29:
      return access_control_request_method;
    case 30:
      return access_control_request_headers;
    default:
      return other;
  }
}

}  // namespace

FieldName field_name(std::string_view name) noexcept {
  if (name.empty()) return FieldName::other;
  const FieldName id = candidate(name);
  return id != FieldName::other && equal_ignoring_case(name, text(id)) ? id : FieldName::other;
}

std::string_view text(FieldName name) noexcept { return kTexts[static_cast<std::size_t>(name)]; }

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const std::size_t size = a.size();
  if (size != b.size()) return false;
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
      if (lower(load<std::uint64_t>(&a[i])) != lower(load<std::uint64_t>(&b[i]))) return false;
    }
    // The rest overlaps what was compared already.
    return lower(load<std::uint64_t>(&a[size - 8])) == lower(load<std::uint64_t>(&b[size - 8]));
  }
  if (size >= 4) {
    const std::uint64_t x = load<std::uint32_t>(a.data()) << 32 | load<std::uint32_t>(&a[size - 4]);
    const std::uint64_t y = load<std::uint32_t>(b.data()) << 32 | load<std::uint32_t>(&b[size - 4]);
    return lower(x) == lower(y);
  }
  for (std::size_t i = 0; i < size; ++i) {
    if (lower(static_cast<unsigned char>(a[i])) != lower(static_cast<unsigned char>(b[i]))) return false;
  }
  return true;
}

}  // namespace weir::http
