// Reading PROXY headers; the contract is in the header. Strict where it can be: a header that is doubtful ends the
// connection, for whoever writes it decides which address we believe.
#include "http/proxy_protocol.h"

#include <algorithm>
#include <array>

namespace weir::http {
namespace {

using Parsed = Result<std::optional<ProxyHeader>>;

constexpr std::string_view kSignature1 = "PROXY ";
constexpr std::string_view kSignature2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kLine1Bytes = 107;  // §2.1, the CRLF included
constexpr std::size_t kFixed2Bytes = 16;  // §2.2: signature, version and command, family, length

std::unexpected<Error> bad(std::string_view detail) noexcept { return fail(Reason::proxy_protocol_error, detail); }

bool may_begin(std::string_view buffer, std::string_view signature) noexcept {
  return buffer.substr(0, signature.size()) == signature.substr(0, buffer.size());
}

// Up to the next single space, which goes too; the last word ends with the line.
std::string_view next_word(std::string_view& line) noexcept {
  const std::size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == line.npos ? line.size() : space + 1);
  return word;
}

// Decimal without leading zeros, §2.1.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned port = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    port = port * 10 + static_cast<unsigned>(c - '0');
  }
  if (port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// `family4`: dotted decimal, else colons; a mapped address in a TCP6 line is written with colons and so passes.
std::optional<IpAddress> parse_address(std::string_view text, bool family4) noexcept {
  if ((text.find(':') == text.npos) != family4) return std::nullopt;
  return IpAddress::parse(text);
}

Parsed parse_1(std::string_view buffer) {
  const std::string_view window = buffer.substr(0, kLine1Bytes);
  const std::size_t newline = window.find('\n');
  if (newline == window.npos) {
    if (window.size() == kLine1Bytes) return bad("the PROXY line is too long");
    return std::nullopt;
  }
  if (window[newline - 1] != '\r') return bad("the PROXY line does not end in CRLF");
  ProxyHeader header{.consumed = newline + 1};
  std::string_view line = window.substr(kSignature1.size(), newline - 1 - kSignature1.size());

  // Everything behind UNKNOWN is to be ignored, §2.1.
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) {
    header.local = true;
    return header;
  }
  const std::size_t spaces = static_cast<std::size_t>(std::ranges::count(line, ' '));
  const std::string_view family = next_word(line);
  if (spaces != 4 || (family != "TCP4" && family != "TCP6")) return bad("the PROXY line is malformed");
  const auto source = parse_address(next_word(line), family == "TCP4");
  const auto destination = parse_address(next_word(line), family == "TCP4");
  const auto source_port = parse_port(next_word(line));
  const auto destination_port = parse_port(next_word(line));
  if (!source || !destination) return bad("an address in the PROXY line is malformed");
  if (!source_port || !destination_port) return bad("a port in the PROXY line is malformed");
  header.source = *source;
  header.destination = *destination;
  header.source_port = *source_port;
  header.destination_port = *destination_port;
  return header;
}

std::uint8_t byte_at(std::string_view text, std::size_t at) noexcept { return static_cast<std::uint8_t>(text[at]); }

std::uint16_t big_endian(std::string_view text, std::size_t at) noexcept {
  return static_cast<std::uint16_t>(byte_at(text, at) << 8 | byte_at(text, at + 1));
}

IpAddress address_at(std::string_view text, std::size_t at, bool family4) noexcept {
  if (family4) {
    return IpAddress::v4(byte_at(text, at), byte_at(text, at + 1), byte_at(text, at + 2), byte_at(text, at + 3));
  }
  IpAddress::Bytes bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = byte_at(text, at + i);
  return IpAddress(bytes);
}

// §2.2.1: type, 16-bit length, value, one after the other to the very end.
bool tlvs_fit(std::string_view tlvs) noexcept {
  while (!tlvs.empty()) {
    if (tlvs.size() < 3) return false;
    const std::size_t size = 3UZ + big_endian(tlvs, 1);
    if (size > tlvs.size()) return false;
    tlvs.remove_prefix(size);
  }
  return true;
}

Parsed parse_2(std::string_view buffer) {
  // Judged byte by byte as they come: nothing is waited for that cannot help.
  if (buffer.size() > 12 && (byte_at(buffer, 12) & 0xf0) != 0x20) return bad("a PROXY header of an unknown version");
  if (buffer.size() > 12 && (byte_at(buffer, 12) & 0x0f) > 1) return bad("a PROXY header with an unknown command");
  if (buffer.size() < kFixed2Bytes) return std::nullopt;
  const bool proxied = (byte_at(buffer, 12) & 0x0f) == 1;
  const unsigned family = byte_at(buffer, 13) >> 4;
  const unsigned transport = byte_at(buffer, 13) & 0x0f;
  const std::size_t length = big_endian(buffer, 14);

  // Bytes per address pair with ports, by family: unspecified, IPv4, IPv6, Unix.
  constexpr std::array<std::size_t, 4> address_bytes = {0, 12, 36, 216};
  if (family >= address_bytes.size() || transport > 2) return bad("a PROXY header with an unknown address family");
  // A stream is what we accept: a datagram's header came to the wrong door.
  if (proxied && family != 0 && transport != 1) return bad("a PROXY header that is not for a stream");
  if (length < address_bytes[family] && proxied) return bad("a PROXY header too short for its addresses");
  if (kFixed2Bytes + length > kProxyHeaderBytes) return bad("the PROXY header is too long");
  if (buffer.size() < kFixed2Bytes + length) return std::nullopt;

  ProxyHeader header{.consumed = kFixed2Bytes + length, .local = !proxied || family == 0 || family == 3};
  // LOCAL and AF_UNSPEC: the rest is skipped unread, whatever it is (§2.2).
  if (!proxied || family == 0) return header;
  const std::string_view body = buffer.substr(kFixed2Bytes, length);
  if (!tlvs_fit(body.substr(address_bytes[family]))) return bad("the TLVs of a PROXY header do not fill it exactly");
  if (header.local) return header;

  const bool family4 = family == 1;
  const std::size_t width = family4 ? 4 : 16;
  header.source = address_at(body, 0, family4);
  header.destination = address_at(body, width, family4);
  header.source_port = big_endian(body, 2 * width);
  header.destination_port = big_endian(body, 2 * width + 2);
  return header;
}

}  // namespace

Parsed parse_proxy_header(std::string_view buffer) {
  if (may_begin(buffer, kSignature1))
    return buffer.size() < kSignature1.size() ? Parsed(std::nullopt) : parse_1(buffer);
  if (may_begin(buffer, kSignature2))
    return buffer.size() < kSignature2.size() ? Parsed(std::nullopt) : parse_2(buffer);
  return bad("the connection does not begin with a PROXY header");
}

}  // namespace weir::http
