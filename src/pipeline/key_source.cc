#include "pipeline/key_source.h"

#include "http/message/uri.h"

namespace weir::pipeline {

std::expected<KeyUrl, std::string> parse_key_url(std::string_view url, bool allow_http) {
  const std::string quoted = "\"" + std::string(url.substr(0, 200)) + "\"";
  KeyUrl out;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    if (!allow_http)
      return std::unexpected(quoted + " is not https; set allow_http: true if whoever is on the way may be trusted");
    out.https = false;
    rest.remove_prefix(7);
  } else {
    return std::unexpected(quoted + " is no https URL");
  }
  const bool clean = std::ranges::all_of(rest, [](char c) { return c > ' ' && c <= '~' && c != '#' && c != '\\'; });
  const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string scratch;
  const auto authority = http::parse_authority(rest.substr(0, end), scratch);
  if (!clean || !authority || authority->host.empty()) return std::unexpected(quoted + " is no https URL");
  out.authority = rest.substr(0, end);
  out.host = authority->host;
  if (out.host.starts_with('[')) out.host = out.host.substr(1, out.host.size() - 2);
  out.port = authority->port != 0 ? authority->port : static_cast<std::uint16_t>(out.https ? 443 : 80);
  out.target = rest.substr(end);
  if (!out.target.starts_with('/')) out.target.insert(0, "/");
  return out;
}

std::string discovery_url(std::string_view issuer) {
  if (issuer.ends_with('/')) issuer.remove_suffix(1);
  return std::string(issuer) + "/.well-known/openid-configuration";
}

}  // namespace weir::pipeline
