// The part of developer.h that needs nothing but the object.
#include <algorithm>
#include <array>

#include "base/ip.h"
#include "control/operators/developer.h"
#include "control/operators/developer_places.h"
#include "http/message/uri.h"

namespace weir::control {
namespace {

// Where gateways connect to because an object says so.
constexpr std::array<std::string_view, 7> kAddresses = {
    "address", "upstream_url", "canary_upstream_url", "endpoint", "uri", "jwks_url", "issuer"};

bool is_own_ip(const IpAddress& ip) noexcept {
  const IpAddress::Bytes& b = ip.bytes();
  if (ip.is_loopback()) return true;
  // 0.0.0.0/8 is "this host" (RFC 1122 §3.2.1.3), 169.254.0.0/16 RFC 3927.
  if (ip.is_v4()) return b[12] == 0 || (b[12] == 169 && b[13] == 254);
  if (ip == IpAddress() || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80)) return true;  // fe80::/10 (RFC 4291 §2.5.6)
  // ::a.b.c.d (RFC 4291 §2.5.5.1) and 64:ff9b::a.b.c.d (RFC 6052) are a.b.c.d to who translates them.
  constexpr IpAddress::Bytes kCompatible{}, kTranslated{0x00, 0x64, 0xff, 0x9b};
  for (const IpAddress::Bytes& prefix : {kCompatible, kTranslated})
    if (std::equal(b.begin(), b.begin() + 12, prefix.begin()))
      return b[12] == 127 || b[12] == 0 || (b[12] == 169 && b[13] == 254);
  return false;
}

bool is_own_name(std::string_view host) {
  std::string name(host);
  while (name.ends_with('.')) name.pop_back();
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  // RFC 6761 §6.3, and what distributions put into /etc/hosts.
  for (const std::string_view own : {"localhost", "localhost4", "localhost6", "ip6-localhost", "ip6-loopback"})
    if (name == own || (name.starts_with(own) && name[own.size()] == '.')) return true;
  // Some resolvers take 0x7f000001 for an address.
  return name.ends_with(".localhost") || name.substr(name.rfind('.') + 1).starts_with("0x");
}

// Every text that is such an address, with its member's name, sorted.
std::vector<std::string> own_addresses(const Json* body) {
  std::vector<std::string> out;
  if (body == nullptr) return out;
  each_text(*body, [&](std::string_view name, std::string_view text) {
    if (std::ranges::find(kAddresses, name) != kAddresses.end() && is_own_machine(text))
      out.push_back(std::string(name) + "\n" + std::string(text));
  });
  std::ranges::sort(out);
  return out;
}

// Credentials of `after` that `before` has not, and that go by what others issue: tokens and certificates.
bool names_callers_of_others(const Json* before, const Json& after) {
  const auto list = [](const Json* body, std::string_view kind) -> const Json* {
    const Json* credentials = body == nullptr ? nullptr : body->find("credentials");
    return credentials == nullptr ? nullptr : credentials->find(kind);
  };
  const auto texts = [&](const Json* body, std::string_view kind) {
    std::vector<std::string> out;
    if (const Json* found = list(body, kind))
      for (const Json& each : found->items()) out.push_back(to_canonical(each));
    std::ranges::sort(out);
    return out;
  };
  return std::ranges::any_of(std::array<std::string_view, 2>{"jwt", "mtls"}, [&](std::string_view kind) {
    return !std::ranges::includes(texts(before, kind), texts(&after, kind));
  });
}

bool same_member(const Json* before, const Json* after, std::string_view member) {
  const Json* a = before == nullptr ? nullptr : before->find(member);
  const Json* b = after == nullptr ? nullptr : after->find(member);
  return (a == nullptr ? std::string() : to_canonical(*a)) == (b == nullptr ? std::string() : to_canonical(*b));
}

}  // namespace

bool is_own_machine(std::string_view text) {
  if (text.starts_with("unix:")) return true;
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find_first_of("/?#"));
  if (const std::size_t user = text.rfind('@'); user != std::string_view::npos) text.remove_prefix(user + 1);
  std::string scratch;
  const auto parsed = http::parse_authority(text, scratch);
  if (!parsed) return false;  // no config with it compiles
  std::string_view host = parsed->host;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto ip = IpAddress::parse(host);
  return ip ? is_own_ip(*ip) : is_own_name(host);
}

std::optional<std::string> refuse_contents(Kind kind, std::string_view name, const Json* before, const Json* after) {
  const std::string object = std::string(word(kind)) + " \"" + std::string(name) + "\"";
  const std::string for_platform = "that is for the role " + std::string(word(Role::platform));
  // They stand in place of those of every team's routes.
  if ((kind == Kind::group || kind == Kind::consumer) && !same_member(before, after, "plugin_chain"))
    return object + " has or gets filters, which run on the routes of all teams: " + for_platform;
  if (after == nullptr) return std::nullopt;
  if (kind == Kind::consumer && names_callers_of_others(before, *after))
    return object + " says whose tokens or certificates are its own (credentials: jwt, mtls): " + for_platform;
  if (const auto named = named_anew(before, *after, {"_file", "_env"}); !named.empty())
    return object + " names a file or a variable of the gateways (" + named.front().member +
           ") in a place that is new or changed: " + for_platform;
  std::vector<std::string> own;
  std::ranges::set_difference(own_addresses(after), own_addresses(before), std::back_inserter(own));
  if (own.empty()) return std::nullopt;
  return object + " has the gateway connect to its own machine (" + own.front().substr(0, own.front().find('\n')) +
         "): " + for_platform;
}

}  // namespace weir::control
