#include "control/api/message/guard.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ip.h"
#include "http/message/uri.h"

namespace weir::control::api {
namespace {

bool is_loopback(std::string_view host) noexcept {
  if (host == "localhost" || host.ends_with(".localhost")) return true;  // RFC 6761 §6.3
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  return address && address->is_loopback();
}

bool is_allowed(const http::Authority& host, std::span<const std::string> allowed) {
  return std::ranges::any_of(allowed, [&](const std::string& entry) {
    std::string scratch;
    const auto known = http::parse_authority(entry, scratch);
    return known && known->host == host.host && (known->port == 0 || known->port == host.port);
  });
}

std::unexpected<Refusal> not_allowed(std::string_view field, std::string message, std::string hint) {
  return refuse(Why::host_not_allowed,
                FieldProblem{.field = std::string(field), .message = std::move(message), .hint = std::move(hint)});
}

}  // namespace

Outcome<void> check_origin(const ApiRequest& request, std::span<const std::string> allowed) {
  const std::string* host = request.field("host");
  std::string scratch;
  const auto asked = http::parse_authority(host ? std::string_view(*host) : std::string_view(), scratch);
  if (!asked || asked->host.empty())
    return refuse(Why::bad_request, "the request has no Host, or none that can be read");
  if (!is_loopback(asked->host) && !is_allowed(*asked, allowed))
    return not_allowed("Host", fmt::format("`{}` is not a name of this control plane", *host),
                       "add it to control.allowed_hosts, or use localhost");
  const std::string* origin = request.field("origin");
  if (origin == nullptr) return {};
  const std::string_view scheme = request.secure ? "https://" : "http://";
  std::string other;
  const auto from = http::parse_authority(
      origin->starts_with(scheme) ? std::string_view(*origin).substr(scheme.size()) : std::string_view(), other);
  if (from && !from->host.empty() && from->host == asked->host && from->port == asked->port) return {};
  return not_allowed("Origin", fmt::format("a page of `{}` may not use this control plane", *origin), {});
}

}  // namespace weir::control::api
