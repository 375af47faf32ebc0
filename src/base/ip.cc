// IpAddress, Cidr and CidrSet (ip.h). The text forms lean on inet_pton/inet_ntop, which are strict in glibc: no
// octal, no short forms, no leading zeros.
#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir {
namespace {

constexpr IpAddress::Bytes kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
constexpr std::size_t kMappedLength = 12;

void set_why(std::string* why, std::string text) {
  if (why != nullptr) *why = std::move(text);
}

// The bits of byte `index` that a prefix of `bits` bits fixes.
std::uint8_t mask_of(std::size_t index, int bits) noexcept {
  const int left = bits - static_cast<int>(index) * 8;
  if (left >= 8) return 0xff;
  if (left <= 0) return 0;
  return static_cast<std::uint8_t>(0xff << (8 - left));
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) noexcept {
  char terminated[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos)
    return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());
  terminated[text.size()] = '\0';
  Bytes bytes = kMappedPrefix;
  if (text.find(':') == std::string_view::npos) {
    if (inet_pton(AF_INET, terminated, bytes.data() + kMappedLength) != 1) return std::nullopt;
  } else if (inet_pton(AF_INET6, terminated, bytes.data()) != 1) {
    return std::nullopt;
  }
  return IpAddress(bytes);
}

bool IpAddress::is_v4() const noexcept {
  return std::memcmp(bytes_.data(), kMappedPrefix.data(), kMappedLength) == 0;
}

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes_[kMappedLength] == 127;
  constexpr Bytes kLoopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes_ == kLoopback;
}

namespace {

bool is_private_v4(const std::uint8_t* at) noexcept {
  struct Block {
    std::uint32_t first;
    int bits;
  };
  // IANA IPv4 Special-Purpose Address Registry, and multicast and what lies above it.
  constexpr Block kBlocks[] = {{0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},
                               {0xa9fe0000, 16}, {0xac100000, 12}, {0xc0000000, 24}, {0xc0000200, 24},
                               {0xc0586300, 24}, {0xc0a80000, 16}, {0xc6120000, 15}, {0xc6336400, 24},
                               {0xcb007100, 24}, {0xe0000000, 3}};
  const std::uint32_t ip = static_cast<std::uint32_t>(at[0]) << 24 | static_cast<std::uint32_t>(at[1]) << 16 |
                           static_cast<std::uint32_t>(at[2]) << 8 | at[3];
  return std::ranges::any_of(
      kBlocks, [ip](const Block& block) { return (ip >> (32 - block.bits)) == (block.first >> (32 - block.bits)); });
}

}  // namespace

bool is_private(const IpAddress& address) noexcept {
  const IpAddress::Bytes& at = address.bytes();
  if (address.is_v4()) return is_private_v4(at.data() + kMappedLength);
  constexpr std::uint8_t kNat64[12] = {0, 0x64, 0xff, 0x9b};
  if (std::memcmp(at.data(), kNat64, sizeof kNat64) == 0) return is_private_v4(at.data() + sizeof kNat64);
  if ((at[0] & 0xe0) != 0x20) return true;                           // outside 2000::/3 nothing is global unicast
  if (at[0] == 0x20 && at[1] == 0x02) return is_private_v4(&at[2]);  // 6to4
  if (at[0] == 0x20 && at[1] == 0x01) {
    return (at[2] & 0xfe) == 0 || (at[2] == 0x0d && at[3] == 0xb8);  // protocols (Teredo too), documentation
  }
  return at[0] == 0x3f && at[1] == 0xff && at[2] < 0x10;  // 3fff::/20, documentation (RFC 9637)
}

std::string IpAddress::to_string() const {
  std::string out;
  append_to(out);
  return out;
}

void IpAddress::append_to(std::string& out) const {
  char text[kLongestText];
  out.append(text, write(text));
}

std::size_t IpAddress::write(char* out) const noexcept {
  if (!is_v4()) return std::strlen(inet_ntop(AF_INET6, bytes_.data(), out, kLongestText));
  char* at = out;
  for (std::size_t i = kMappedLength; i < bytes_.size(); ++i) {
    if (i != kMappedLength) *at++ = '.';
    at = std::to_chars(at, at + 3, bytes_[i]).ptr;
  }
  return static_cast<std::size_t>(at - out);
}

std::optional<Cidr> Cidr::parse(std::string_view text, std::string* why) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) {
    set_why(why, "expected an address or a block such as 10.0.0.0/8 or 2001:db8::/32");
    return std::nullopt;
  }
  if (slash == std::string_view::npos) return Cidr(*address, 128);
  // What was written decides the length, not the value: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const bool dotted = text.find(':') == std::string_view::npos;
  const int width = dotted ? 32 : 128;
  const std::string_view digits = text.substr(slash + 1);
  int prefix = -1;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
  const bool plain = !digits.empty() && digits.size() <= 3 && digits[0] != '-' && (digits[0] != '0' || digits == "0");
  if (!plain || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || prefix > width) {
    set_why(why, "expected a prefix length from 0 to " + std::to_string(width) + " after the slash");
    return std::nullopt;
  }
  const int bits = prefix + (dotted ? 96 : 0);
  IpAddress::Bytes network = address->bytes();
  for (std::size_t i = 0; i < network.size(); ++i) network[i] &= mask_of(i, bits);
  const Cidr block{IpAddress(network), bits};
  if (network != address->bytes()) {
    set_why(why, "has bits set behind the prefix; the block is " + block.to_string());
    return std::nullopt;
  }
  return block;
}

bool Cidr::contains(const IpAddress& address) const noexcept {
  return address.is_v4() == first_.is_v4() && first_ <= address && address <= last();
}

IpAddress Cidr::last() const noexcept {
  IpAddress::Bytes bytes = first_.bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] |= static_cast<std::uint8_t>(~mask_of(i, bits_));
  return IpAddress(bytes);
}

std::string Cidr::to_string() const { return first_.to_string() + "/" + std::to_string(prefix()); }

CidrSet::CidrSet(const std::vector<Cidr>& blocks) {
  Ranges v4;
  Ranges v6;
  for (const Cidr& block : blocks) (block.first().is_v4() ? v4 : v6).push_back({block.first(), block.last()});
  v4_ = merge(std::move(v4));
  v6_ = merge(std::move(v6));
}

CidrSet::Ranges CidrSet::merge(Ranges ranges) {
  std::ranges::sort(ranges, {}, &Range::first);
  Ranges merged;
  for (const Range& range : ranges) {
    if (merged.empty() || merged.back().last < range.first) {
      merged.push_back(range);
    } else {
      merged.back().last = std::max(merged.back().last, range.last);
    }
  }
  return merged;
}

bool CidrSet::contains(const IpAddress& address) const noexcept {
  const Ranges& ranges = address.is_v4() ? v4_ : v6_;
  const auto after = std::ranges::upper_bound(ranges, address, {}, &Range::first);
  return after != ranges.begin() && address <= std::prev(after)->last;
}

}  // namespace weir
