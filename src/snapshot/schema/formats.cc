#include "snapshot/schema/formats.h"

#include "http/message/uri.h"

namespace weir::snapshot {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_token(char c) {
  return is_digit(c) || is_letter(c) || (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").contains(c));
}

bool refuse(std::string& why, std::string_view reason) {
  why = reason;
  return false;
}

// The number of `count` digits at `at`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (!is_digit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool in(int value, int low, int high) { return value >= low && value <= high; }

bool is_real_date(std::string_view text) {
  const std::chrono::year_month_day date{std::chrono::year(digits(text, 0, 4)),
                                         std::chrono::month(static_cast<unsigned>(digits(text, 5, 2))),
                                         std::chrono::day(static_cast<unsigned>(digits(text, 8, 2)))};
  return date.ok();
}

bool is_offset(std::string_view text) {
  if (text == "Z" || text == "z") return true;
  return text.size() == 6 && (text[0] == '+' || text[0] == '-') && in(digits(text, 1, 2), 0, 23) && text[3] == ':' &&
         in(digits(text, 4, 2), 0, 59);
}

}  // namespace

bool is_socket_address(std::string_view text, std::string& why) {
  return SocketAddress::parse(text, &why).has_value();
}

bool is_cidr(std::string_view text, std::string& why) { return Cidr::parse(text, &why).has_value(); }

bool is_failed_ipv4(std::string_view host) {
  if (IpAddress::parse(host)) return false;
  const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0: the whole host
  return !last.empty() && std::ranges::all_of(last, is_digit);
}

bool is_host(std::string_view text, std::string& why) {
  std::string scratch;
  const auto parsed = http::parse_authority(text, scratch);
  if (!parsed) return refuse(why, parsed.error().detail);
  if (parsed->host.empty()) return refuse(why, "it must not be empty");
  if (parsed->port != 0) return refuse(why, "without a port: requests to every port are matched by the host alone");
  if (is_failed_ipv4(parsed->host)) return refuse(why, "it ends like an IPv4 address but is none");
  return true;
}

bool is_host_pattern(std::string_view text, std::string& why) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  if (text.contains('*')) {
    return refuse(why,
                  "a wildcard stands for all labels in front: \"*.example.com\"; leave hosts out for every host");
  }
  return is_host(text, why);
}

bool is_method(std::string_view text, std::string& why) {
  if (text.empty() || !std::ranges::all_of(text, is_token)) return refuse(why, "expected a method such as GET");
  if (std::ranges::any_of(text, [](char c) { return c >= 'a' && c <= 'z'; })) {
    return refuse(why, "methods are case-sensitive: write it in capitals");
  }
  if (text == "CONNECT" || text == "TRACE") return refuse(why, "Weir refuses this method from every client (501)");
  return true;
}

bool is_field_name(std::string_view text, std::string& why) {
  if (text.empty() || !std::ranges::all_of(text, is_token)) {
    return refuse(why, "expected a header field name such as x-tenant");
  }
  if (text.contains('_'))
    return refuse(why, "Weir drops request fields with \"_\" in their name: it could never match");
  return true;
}

bool is_date_time(std::string_view text, std::string& why) {
  const std::string_view form = "expected a date and time such as 2026-01-31T12:00:00Z (RFC 3339)";
  const bool date = digits(text, 0, 4) >= 0 && text.size() > 19 && text[4] == '-' && digits(text, 5, 2) >= 0 &&
                    text[7] == '-' && digits(text, 8, 2) >= 0 && (text[10] == 'T' || text[10] == 't');
  const bool time = date && in(digits(text, 11, 2), 0, 23) && text[13] == ':' && in(digits(text, 14, 2), 0, 59) &&
                    text[16] == ':' && in(digits(text, 17, 2), 0, 60);  // 60: a leap second
  if (!time || !is_real_date(text)) return refuse(why, form);
  std::string_view rest = text.substr(19);
  if (rest.starts_with('.')) {
    const std::size_t end = rest.find_first_not_of("0123456789", 1);
    if (end == std::string_view::npos || end == 1) return refuse(why, form);
    rest.remove_prefix(end);
  }
  return is_offset(rest) || refuse(why, form);
}

bool is_id(std::string_view text, std::string& why) {
  const auto allowed = [](char c) {
    return is_digit(c) || is_letter(c) || (c != '\0' && std::string_view("._-:/").contains(c));
  };
  return std::ranges::all_of(text, allowed) || refuse(why, "allowed are letters, digits and . _ - : /");
}

bool is_upstream_name(std::string_view text, std::string& why) {
  // It is written where a URL has its host.
  const auto allowed = [](char c) {
    return is_digit(c) || is_letter(c) || (c != '\0' && std::string_view("._-").contains(c));
  };
  return std::ranges::all_of(text, allowed) || refuse(why, "allowed are letters, digits and . _ -");
}

std::optional<pipeline::TargetSpec> parse_target(std::string_view text, std::string* why) {
  std::string unused;
  std::string& reason = why != nullptr ? *why : unused;
  pipeline::TargetSpec out;
  out.address = text;
  if (const auto socket = SocketAddress::parse(text, &reason)) {
    out.socket = *socket;
    if (!socket->is_unix() && socket->port() == 0) {
      reason = "port 0 cannot be connected to";
      return std::nullopt;
    }
    return out;
  }
  if (text.starts_with("unix:") || text.starts_with('[')) return std::nullopt;  // reason is SocketAddress's
  std::string scratch;
  const auto parsed = http::parse_authority(text, scratch);
  if (!parsed) {
    reason = text.contains("://") ? "without a scheme: TLS is chosen by the upstream's tls" : parsed.error().detail;
  } else if (is_failed_ipv4(parsed->host)) {
    reason = "it ends like an IPv4 address but is none";
  } else if (parsed->port == 0 || parsed->host.empty()) {
    reason = "expected host:port, ip:port or unix:/path";
  } else {
    out.host = parsed->host;
    out.socket = SocketAddress(IpAddress(), parsed->port);
    return out;
  }
  return std::nullopt;
}

bool is_target_address(std::string_view text, std::string& why) { return parse_target(text, &why).has_value(); }

bool is_resolver_address(std::string_view text, std::string& why) {
  if (IpAddress::parse(text)) return true;
  const auto socket = SocketAddress::parse(text, &why);
  if (socket && !socket->is_unix() && socket->port() != 0) return true;
  return refuse(why, "expected the address of a DNS server: ip or ip:port");
}

}  // namespace weir::snapshot
