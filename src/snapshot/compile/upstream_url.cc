#include "snapshot/compile/upstream_url.h"

#include <optional>

#include "http/message/uri.h"

namespace weir::snapshot {
namespace {

std::unexpected<Problem> refuse(std::string message, std::string hint) {
  return std::unexpected(Problem{{}, "", std::move(message), std::move(hint)});
}

std::optional<std::string> canonical_prefix(std::string_view path) {
  std::string scratch;
  const auto canonical = http::canonicalize(path, {.allow_encoded_slash = true}, scratch);
  if (!canonical || canonical->form != http::TargetForm::origin) return std::nullopt;
  std::string_view prefix = canonical->path;
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  return std::string(prefix);
}

}  // namespace

std::expected<UpstreamUrl, Problem> parse_upstream_url(std::string_view text) {
  UpstreamUrl out;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    out.https = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.starts_with("unix:")) {
    return refuse("a Unix socket cannot be written here",
                  "name it as a target of an upstream, and write http://NAME");
  } else {
    return refuse("must begin with http:// or https://", rest.contains("://") ? "" : "such as http://users");
  }
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  out.authority = rest.substr(0, end);
  rest.remove_prefix(end);
  if (out.authority.empty()) return refuse("has no host", "such as http://users or http://127.0.0.1:9001");
  if (out.authority.contains('@')) {
    return refuse("must not hold a user or password", "set an Authorization field with the filter headers");
  }
  if (rest.contains('?')) return refuse("must not have a query", "the request's own query is sent");
  if (rest.contains('#')) return refuse("must not have a fragment", "fragments are never sent");
  if (rest.empty()) return out;
  auto prefix = canonical_prefix(rest);
  if (!prefix) return refuse("has a malformed path", "percent-encode what is not allowed in a URL");
  out.path_prefix = std::move(*prefix);
  return out;
}

}  // namespace weir::snapshot
