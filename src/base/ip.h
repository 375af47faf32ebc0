// IP addresses, CIDR blocks, sets of them, and the socket addresses Weir listens on or connects to. Plain values
// without I/O: names are never resolved here (adapters/cares does that) and nothing is logged. Any thread.
#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (::ffff:a.b.c.d, RFC 4291 §2.5.5.2) IS the IPv4 address, so
// that a dual-stack listener cannot slip a client past an IPv4 rule. Zone ids (fe80::1%eth0) are not kept.
class IpAddress {
 public:
  using Bytes = std::array<std::uint8_t, 16>;

  constexpr IpAddress() noexcept = default;  // "::"
  constexpr explicit IpAddress(const Bytes& network_order) noexcept : bytes_(network_order) {}
  static constexpr IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept {
    return IpAddress(Bytes{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d});
  }

  // Text as in RFC 4291 §2.2 or dotted decimal without leading zeros; no brackets, port, zone or name.
  static std::optional<IpAddress> parse(std::string_view text) noexcept;

  bool is_v4() const noexcept;
  bool is_loopback() const noexcept;  // 127.0.0.0/8 and ::1

  // 16 bytes in network order; an IPv4 address is in its mapped form.
  const Bytes& bytes() const noexcept { return bytes_; }

  std::string to_string() const;           // lower case, shortest (RFC 5952)
  void append_to(std::string& out) const;  // no allocation beyond `out` itself
  // The same into a buffer of kLongestText bytes; how many were written. No zero at the end is promised.
  std::size_t write(char* out) const noexcept;
  static constexpr std::size_t kLongestText = 46;  // INET6_ADDRSTRLEN

  auto operator<=>(const IpAddress&) const noexcept = default;

 private:
  Bytes bytes_{};
};

// Not an address of the public internet: private, loopback, link-local (cloud metadata too), shared, documentation,
// multicast, reserved or unspecified (the IANA special-purpose registries, RFC 6890), also when an IPv6 address
// carries such an IPv4 one (NAT64 RFC 6052, 6to4 RFC 3056, IPv4-compatible). What a URL from elsewhere must not make
// us ask.
bool is_private(const IpAddress& address) noexcept;

// A block of addresses. An IPv6 block, even ::/0, holds no IPv4 address.
class Cidr {
 public:
  // "10.0.0.0/8", "2001:db8::/32", or an address alone (a block of one). Bits set behind the prefix are refused: they
  // are nearly always a slip. On failure `why`, if given, says what is wrong, in words fit for a Problem.
  static std::optional<Cidr> parse(std::string_view text, std::string* why = nullptr);

  bool contains(const IpAddress& address) const noexcept;
  const IpAddress& first() const noexcept { return first_; }
  IpAddress last() const noexcept;
  int prefix() const noexcept { return first_.is_v4() ? bits_ - 96 : bits_; }
  std::string to_string() const;

  bool operator==(const Cidr&) const noexcept = default;

 private:
  Cidr(const IpAddress& first, int bits) noexcept : first_(first), bits_(bits) {}
  IpAddress first_;
  int bits_;  // of the 128-bit form
};

// A set of blocks, merged into sorted ranges: contains() is two comparisons per halving and never allocates.
class CidrSet {
 public:
  CidrSet() = default;
  explicit CidrSet(const std::vector<Cidr>& blocks);

  bool contains(const IpAddress& address) const noexcept;
  bool empty() const noexcept { return v4_.empty() && v6_.empty(); }

 private:
  struct Range {
    IpAddress first;
    IpAddress last;
  };
  using Ranges = std::vector<Range>;

  static Ranges merge(Ranges ranges);

  Ranges v4_;
  Ranges v6_;
};

// Where a socket is bound or connects to: an IP address with a port, or a Unix socket's path.
class SocketAddress {
 public:
  SocketAddress() noexcept = default;  // [::]:0
  SocketAddress(const IpAddress& ip, std::uint16_t port) noexcept : ip_(ip), port_(port) {}

  // "127.0.0.1:8080", "[::1]:80" or "unix:/absolute/path". Host names are refused. Port 0 is accepted (the kernel
  // picks). On failure `why`, if given, says what is wrong, in words fit for a Problem.
  static std::optional<SocketAddress> parse(std::string_view text, std::string* why = nullptr);

  // What accept(), getpeername() and getsockname() filled in. nullopt for another family or a length too short. The
  // unnamed peer of a Unix socket has an empty path.
  static std::optional<SocketAddress> from_sockaddr(const sockaddr* address, socklen_t length);

  // Fills `out` and returns the length to pass to bind() or connect().
  socklen_t to_sockaddr(sockaddr_storage& out) const noexcept;

  bool is_unix() const noexcept { return unix_; }
  int family() const noexcept;                                // AF_INET, AF_INET6 or AF_UNIX
  const IpAddress& ip() const noexcept { return ip_; }        // "::" for a Unix socket
  std::uint16_t port() const noexcept { return port_; }       // host order; 0 for a Unix socket
  const std::string& path() const noexcept { return path_; }  // empty unless a Unix socket
  std::string to_string() const;                              // what parse() reads

  bool operator==(const SocketAddress&) const noexcept = default;

 private:
  IpAddress ip_;
  std::uint16_t port_ = 0;
  bool unix_ = false;
  std::string path_;
};

}  // namespace weir
