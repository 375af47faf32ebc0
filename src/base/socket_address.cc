// SocketAddress (ip.h): text and sockaddr_storage forms.
#include <netinet/in.h>
#include <sys/un.h>

#include <charconv>
#include <cstddef>
#include <cstring>

#include "base/ip.h"

namespace weir {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";
// sun_path of sockaddr_un (108 on Linux) less its terminating NUL.
constexpr std::size_t kUnixPathLimit = sizeof(sockaddr_un::sun_path) - 1;

std::optional<SocketAddress> refuse(std::string* why, std::string text) {
  if (why != nullptr) *why = std::move(text);
  return std::nullopt;
}

std::optional<std::uint16_t> parse_port(std::string_view digits) noexcept {
  // 5 digits: the longest port is 65535. from_chars on an unsigned type takes no sign.
  if (digits.empty() || digits.size() > 5 || (digits[0] == '0' && digits != "0")) return std::nullopt;
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  return port;
}

}  // namespace

std::optional<SocketAddress> SocketAddress::parse(std::string_view text, std::string* why) {
  if (text.starts_with(kUnixPrefix)) {
    const std::string_view path = text.substr(kUnixPrefix.size());
    if (!path.starts_with('/')) return refuse(why, "expected an absolute path after unix:");
    if (path.size() > kUnixPathLimit || path.find('\0') != std::string_view::npos) {
      return refuse(
          why, "a Unix socket's path has at most " + std::to_string(kUnixPathLimit) + " bytes, none of them NUL");
    }
    SocketAddress address;
    address.unix_ = true;
    address.path_ = path;
    return address;
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) {
    return refuse(why, "expected ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080");
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool colons = host.find(':') != std::string_view::npos;
  if (colons && !bracketed) return refuse(why, "an IPv6 address before a port needs brackets, such as [::1]:8080");
  const auto ip = IpAddress::parse(host);
  if (!ip || bracketed != colons) {
    return refuse(why, "expected an IP address before the port, such as 127.0.0.1:8080 or [::1]:8080");
  }
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return refuse(why, "expected a port from 0 to 65535 after the last colon");
  return SocketAddress(*ip, *port);
}

std::optional<SocketAddress> SocketAddress::from_sockaddr(const sockaddr* address, socklen_t length) {
  if (length < sizeof(sa_family_t)) return std::nullopt;
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::uint8_t octets[4];
    std::memcpy(octets, &in.sin_addr, sizeof octets);
    return SocketAddress(IpAddress::v4(octets[0], octets[1], octets[2], octets[3]), ntohs(in.sin_port));
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    IpAddress::Bytes bytes;
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return SocketAddress(IpAddress(bytes), ntohs(in.sin6_port));
  }
  if (address->sa_family == AF_UNIX && length <= sizeof(sockaddr_un)) {
    SocketAddress out;
    out.unix_ = true;
    const char* path = reinterpret_cast<const char*>(address) + offsetof(sockaddr_un, sun_path);
    const std::size_t room = length > offsetof(sockaddr_un, sun_path) ? length - offsetof(sockaddr_un, sun_path) : 0;
    out.path_.assign(path, strnlen(path, room));
    return out;
  }
  return std::nullopt;
}

socklen_t SocketAddress::to_sockaddr(sockaddr_storage& out) const noexcept {
  std::memset(&out, 0, sizeof out);
  if (unix_) {
    sockaddr_un un{};
    un.sun_family = AF_UNIX;
    std::memcpy(un.sun_path, path_.data(), path_.size());
    std::memcpy(&out, &un, sizeof un);
    return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path_.size() + 1);
  }
  if (ip_.is_v4()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port_);
    std::memcpy(&in.sin_addr, ip_.bytes().data() + 12, 4);
    std::memcpy(&out, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(port_);
  std::memcpy(&in.sin6_addr, ip_.bytes().data(), 16);
  std::memcpy(&out, &in, sizeof in);
  return sizeof in;
}

int SocketAddress::family() const noexcept {
  if (unix_) return AF_UNIX;
  return ip_.is_v4() ? AF_INET : AF_INET6;
}

std::string SocketAddress::to_string() const {
  if (unix_) return std::string(kUnixPrefix) + path_;
  const std::string host = ip_.to_string();
  return (ip_.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port_);
}

}  // namespace weir
