#include "http/message/forwarding.h"

#include <algorithm>
#include <array>
#include <optional>

namespace weir::http {
namespace {

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) noexcept {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool identity_field(const Field& field) noexcept {
  if (field.id != FieldName::other || field.name.size() < 7 || (field.name[0] | 0x20) != 'x') return false;
  return equal_ignoring_case(field.name, "x-user-id") || starts_with_ignoring_case(field.name, "x-consumer-") ||
         starts_with_ignoring_case(field.name, "x-auth-") || starts_with_ignoring_case(field.name, "x-credential-") ||
         equal_ignoring_case(field.name, "x-anonymous-consumer");
}

bool hop_by_hop(FieldName id) noexcept {
  switch (id) {
    case FieldName::connection:
    case FieldName::keep_alive:
    case FieldName::proxy_connection:
    case FieldName::te:
    case FieldName::trailer:
    case FieldName::transfer_encoding:
    case FieldName::http2_settings:
    case FieldName::proxy_authorization:
    case FieldName::proxy_authenticate:
    case FieldName::proxy_authentication_info:
      return true;
    default:
      return false;
  }
}

// Fields that a peer cannot make us drop by nominating them in Connection (CVE-2022-31813 and its kin): whoever reads
// them decides something by them. Framing and Host are rewritten anyway.
bool protected_field(const Field& field) noexcept {
  switch (field.id) {
    case FieldName::authorization:
    case FieldName::content_length:
    case FieldName::content_type:
    case FieldName::cookie:
    case FieldName::expect:
    case FieldName::forwarded:
    case FieldName::host:
    case FieldName::origin:
    case FieldName::referer:
    case FieldName::traceparent:
    case FieldName::tracestate:
    case FieldName::upgrade:  // judged on its own
    case FieldName::via:
    case FieldName::x_forwarded_for:
    case FieldName::x_forwarded_host:
    case FieldName::x_forwarded_port:
    case FieldName::x_forwarded_proto:
    case FieldName::x_real_ip:
    case FieldName::x_request_id:
      return true;
    default:
      return starts_with_ignoring_case(field.name, "x-forwarded-") ||
             equal_ignoring_case(field.name, "cache-control");
  }
}

// Calls `each` with every element of a comma-separated list, white space trimmed, empty ones left out.
template <class F>
void for_each_element(std::string_view list, F each) {
  while (!list.empty()) {
    std::size_t comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (!one.empty()) each(one);
  }
}

// What Connection nominates beyond the ordinary. Sixteen names are more than any honest client nominates; a message
// with more loses none of its fields by it.
struct Nominated {
  std::array<std::string_view, 16> names;
  std::size_t count = 0;
  explicit Nominated(const Fields& fields) {
    for (const Field& field : fields) {
      if (field.id != FieldName::connection) continue;
      for_each_element(field.value, [&](std::string_view name) {
        if (equal_ignoring_case(name, "close") || equal_ignoring_case(name, "keep-alive")) return;
        if (count < names.size()) names[count++] = name;
      });
    }
  }
  bool contains(const Field& field) const noexcept {
    for (std::size_t i = 0; i < count; ++i)
      if (equal_ignoring_case(names[i], field.name)) return !protected_field(field);
    return false;
  }
};

// "for" of a Forwarded element, or an X-Forwarded-For element: with or without port, brackets and quotes.
std::optional<IpAddress> node_address(std::string_view node) {
  if (node.size() >= 2 && node.front() == '"' && node.back() == '"') node = node.substr(1, node.size() - 2);
  if (!node.empty() && node.front() == '[') {
    std::size_t close = node.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    return IpAddress::parse(node.substr(1, close - 1));
  }
  std::size_t colon = node.find(':');
  if (colon != std::string_view::npos && node.find(':', colon + 1) == std::string_view::npos)
    node = node.substr(0, colon);
  return IpAddress::parse(node);
}

std::optional<IpAddress> forwarded_for(std::string_view element) {
  while (!element.empty()) {
    std::size_t semicolon = element.find(';');
    std::string_view pair = element.substr(0, semicolon);
    element = semicolon == std::string_view::npos ? std::string_view{} : element.substr(semicolon + 1);
    while (!pair.empty() && pair.front() == ' ') pair.remove_prefix(1);
    if (starts_with_ignoring_case(pair, "for=")) return node_address(pair.substr(4));
  }
  return std::nullopt;
}

}  // namespace

void strip_request(RequestHead& request) {
  Nominated nominated(request.fields);
  std::string_view upgrade = request.fields.value(FieldName::upgrade);
  // h2c is never spoken upstream: tunnelled, it would carry requests past every filter (attacks A13).
  if (upgrade.empty() || equal_ignoring_case(upgrade, "h2c")) request.upgrade = false;
  bool keep_upgrade = request.upgrade;
  request.fields.remove_if([&](const Field& field) {
    if (field.id == FieldName::upgrade) return !keep_upgrade;
    return hop_by_hop(field.id) || identity_field(field) || (nominated.count != 0 && nominated.contains(field));
  });
}

void strip_response(ResponseHead& response) {
  Nominated nominated(response.fields);
  bool keep_upgrade = response.status == 101;
  response.fields.remove_if([&](const Field& field) {
    if (field.id == FieldName::upgrade) return !keep_upgrade;
    return hop_by_hop(field.id) || (nominated.count != 0 && nominated.contains(field));
  });
}

IpAddress client_address(const RequestHead& request, const IpAddress& peer, bool peer_trusted,
                         const CidrSet& trusted) {
  if (!peer_trusted) return peer;
  bool by_x = request.fields.find(FieldName::x_forwarded_for) != nullptr;
  FieldName chain = by_x ? FieldName::x_forwarded_for : FieldName::forwarded;
  // Left to right, so the last untrusted address wins, and a trusted one after it is one of our own proxies. What
  // stands before an element that is no address is forgotten.
  IpAddress leftmost = peer;
  std::optional<IpAddress> untrusted;
  bool first = true;
  for (const Field& field : request.fields) {
    if (field.id != chain) continue;
    for_each_element(field.value, [&](std::string_view element) {
      auto address = by_x ? node_address(element) : forwarded_for(element);
      if (!address) {
        untrusted.reset();
        leftmost = peer;
        first = true;
        return;
      }
      if (first) leftmost = *address;
      first = false;
      if (!trusted.contains(*address)) untrusted = *address;
    });
  }
  return untrusted.value_or(leftmost);
}

void add_forwarded(Fields& fields, const Forwarded& from, Version version, Arena& arena) {
  std::string_view proto = from.secure ? "https" : "http";
  char text[64];
  std::string_view address;
  // Over a Unix socket nobody has an address (RFC 7239 §6.2).
  const bool unknown = from.peer == IpAddress();
  if (unknown) {
    address = "unknown";
  } else {
    std::string buffer;
    from.peer.append_to(buffer);
    std::copy(buffer.begin(), buffer.end(), text);
    address = arena.copy({text, buffer.size()});
  }
  std::string_view chain, forwarded, via;
  bool has_proto = false, has_host = false;
  for (const Field& field : fields) {
    switch (field.id) {
      case FieldName::x_forwarded_for:
        if (from.peer_trusted) chain = chain.empty() ? field.value : arena.concat({chain, ", ", field.value});
        break;
      case FieldName::forwarded:
        if (from.peer_trusted)
          forwarded = forwarded.empty() ? field.value : arena.concat({forwarded, ", ", field.value});
        break;
      case FieldName::via:
        via = via.empty() ? field.value : arena.concat({via, ", ", field.value});
        break;
      case FieldName::x_forwarded_proto:
        has_proto = from.peer_trusted;
        break;
      case FieldName::x_forwarded_host:
        has_host = from.peer_trusted;
        break;
      default:
        break;
    }
  }
  fields.remove_if([&](const Field& field) {
    switch (field.id) {
      case FieldName::x_forwarded_for:
      case FieldName::forwarded:
      case FieldName::via:
        return true;
      case FieldName::x_forwarded_proto:
      case FieldName::x_forwarded_host:
      case FieldName::x_forwarded_port:
      case FieldName::x_real_ip:
        return !from.peer_trusted;
      default:
        return field.id == FieldName::other && !from.peer_trusted &&
               starts_with_ignoring_case(field.name, "x-forwarded-");
    }
  });
  fields.append(FieldName::x_forwarded_for, chain.empty() ? address : arena.concat({chain, ", ", address}));
  if (!has_proto) fields.append(FieldName::x_forwarded_proto, proto);
  if (!has_host && !from.host.empty()) fields.append(FieldName::x_forwarded_host, from.host);
  const bool bare = unknown || from.peer.is_v4();
  std::string_view quote = bare ? "" : "\"";
  std::string_view open = bare ? "" : "[", close = bare ? "" : "]";
  // A host that is a token goes bare; a port or an IPv6 literal needs quotes (RFC 7239 §4).
  std::string_view host_quote = from.host.find_first_of(":[]") == std::string_view::npos ? "" : "\"";
  std::string_view host_part = from.host.empty() ? "" : ";host=";
  std::string_view element =
      arena.concat({"for=", quote, open, address, close, quote, host_part, from.host.empty() ? "" : host_quote,
                    from.host, from.host.empty() ? "" : host_quote, ";proto=", proto});
  fields.append(FieldName::forwarded, forwarded.empty() ? element : arena.concat({forwarded, ", ", element}));
  std::string_view mine = version == Version::http10 ? "1.0 weir" : "1.1 weir";
  fields.append(FieldName::via, via.empty() ? mine : arena.concat({via, ", ", mine}));
}

}  // namespace weir::http
