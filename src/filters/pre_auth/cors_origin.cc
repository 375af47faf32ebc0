// Checking and comparing origins (cors_origin.h).
#include "filters/pre_auth/cors_origin.h"

#include <algorithm>

#include "http/message/uri.h"

namespace weir::filters {

bool is_origin(std::string_view text, std::string& why) {
  if (text == "*") return true;
  why = "such as \"https://app.example.com\", \"https://*.example.com\" or \"*\"";
  if (text == "null") {
    why = "any page can have the origin \"null\" by sandboxing itself";
    return false;
  }
  const std::size_t slashes = text.find("://");
  if (slashes == std::string_view::npos || slashes == 0) return false;
  const std::string_view scheme = text.substr(0, slashes);
  if (!std::ranges::all_of(scheme,
                           [](char c) { return (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.'; })) {
    return false;
  }
  const bool wildcard = text.substr(slashes + 3).starts_with("*.");
  const std::string_view authority = text.substr(slashes + (wildcard ? 5 : 3));
  std::string scratch;
  const auto parsed = http::parse_authority(authority, scratch);
  if (!parsed || parsed->host.empty()) return false;
  if (!authority.starts_with(parsed->host)) {
    why = "browsers send it in lower case";
    return false;
  }
  if ((scheme == "https" && parsed->port == 443) || (scheme == "http" && parsed->port == 80)) {
    why = "browsers leave out the scheme's own port";
    return false;
  }
  return true;
}

Origins::Origins(const std::vector<std::string>& allowed) {
  for (const std::string& one : allowed) {
    const std::size_t host = one == "*" ? 0 : one.find("://") + 3;
    if (one == "*") {
      all_ = true;
    } else if (one[host] == '*') {
      below_.push_back({one.substr(0, host), one.substr(host + 1)});
    } else {
      exact_.push_back(one);
    }
  }
}

bool Origins::contain(std::string_view origin) const noexcept {
  if (all_ || std::ranges::find(exact_, origin) != exact_.end()) return true;
  return std::ranges::any_of(below_, [&](const Below& below) {
    if (!origin.starts_with(below.scheme) || !origin.ends_with(below.suffix)) return false;
    if (origin.size() <= below.scheme.size() + below.suffix.size()) return false;
    // Letters of a host name only: no "@" or ":" or "/" may sit in what the wildcard stands for.
    const std::string_view middle =
        origin.substr(below.scheme.size(), origin.size() - below.scheme.size() - below.suffix.size());
    return std::ranges::all_of(middle, [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    });
  });
}

}  // namespace weir::filters
