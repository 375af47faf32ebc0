// parse_authority (uri.h).
#include <array>
#include <cstddef>

#include "base/ip.h"
#include "http/message/uri.h"

namespace weir::http {
namespace {

constexpr std::size_t kMaxHost = 253;  // RFC 1035 §2.3.4: 255 octets on the wire, minus root label and first length
constexpr std::size_t kMaxLabel = 63;  // same section

// 0: not allowed in a host; otherwise the byte itself in lower case. No '%' and no sub-delims: RFC 3986 would allow
// them, DNS has none, and each of them has split two parsers before (',' and '@' above all).
constexpr std::array<char, 256> kHostBytes = [] {
  std::array<char, 256> table{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyz0123456789-._~")) {
    table[static_cast<std::uint8_t>(c)] = c;
    if (c >= 'a' && c <= 'z') table[static_cast<std::uint8_t>(c - 0x20)] = c;
  }
  return table;
}();

char lowered(char c) noexcept { return kHostBytes[static_cast<std::uint8_t>(c)]; }

Result<std::uint16_t> parse_port(std::string_view digits) noexcept {
  if (digits.empty() || digits.size() > 5 || digits[0] == '0')
    return fail(Reason::bad_request, "bad port in the host");
  unsigned port = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return fail(Reason::bad_request, "bad port in the host");
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  if (port > 65535) return fail(Reason::bad_request, "bad port in the host");
  return static_cast<std::uint16_t>(port);
}

Result<std::string_view> parse_ipv6(std::string_view bracketed, std::string& scratch) {
  const std::string_view inside = bracketed.substr(1, bracketed.size() - 2);
  const auto ip = IpAddress::parse(inside);
  if (!ip || inside.find(':') == std::string_view::npos)
    return fail(Reason::bad_request, "bad IPv6 address in the host");
  scratch.clear();
  if (!ip->is_v4()) scratch += '[';
  ip->append_to(scratch);
  if (!ip->is_v4()) scratch += ']';
  return scratch == bracketed ? bracketed : std::string_view(scratch);
}

Result<std::string_view> parse_name(std::string_view name, std::string& scratch) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty()) return fail(Reason::bad_request, "empty host");
  if (name.size() > kMaxHost) return fail(Reason::bad_request, "host is too long");
  bool canonical = true;
  std::size_t label = 0;
  for (const char c : name) {
    const char lower = lowered(c);
    if (lower == 0) return fail(Reason::bad_request, "byte not allowed in the host");
    canonical = canonical && lower == c;
    if (c == '.' && label == 0) return fail(Reason::bad_request, "empty label in the host");
    label = c == '.' ? 0 : label + 1;
    if (label > kMaxLabel) return fail(Reason::bad_request, "label of the host is too long");
  }
  if (label == 0) return fail(Reason::bad_request, "empty label in the host");
  if (canonical) return name;
  scratch.clear();
  for (const char c : name) scratch += lowered(c);
  return std::string_view(scratch);
}

}  // namespace

Result<Authority> parse_authority(std::string_view text, std::string& scratch) {
  Authority out;
  if (text.empty()) return out;
  std::string_view host = text;
  if (text[0] == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return fail(Reason::bad_request, "bad IPv6 address in the host");
    host = text.substr(0, close + 1);
  } else {
    host = text.substr(0, text.find(':'));
  }
  if (host.size() != text.size()) {
    if (text[host.size()] != ':') return fail(Reason::bad_request, "byte not allowed in the host");
    const auto port = parse_port(text.substr(host.size() + 1));
    if (!port) return std::unexpected(port.error());
    out.port = *port;
  }
  const auto name = text[0] == '[' ? parse_ipv6(host, scratch) : parse_name(host, scratch);
  if (!name) return std::unexpected(name.error());
  out.host = *name;
  return out;
}

}  // namespace weir::http
