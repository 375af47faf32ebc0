// What must hold for canonicalize and parse_authority whatever the input. Shared by the seeded property test, the
// replay of the fuzz corpus (both uri_test.cc) and fuzz/uri_fuzz.cc. Returns what broke, or an empty string.
#pragma once

#include <string>
#include <string_view>

#include "http/message/uri.h"

namespace weir::http {

inline std::string broken_path(std::string_view path, bool encoded_slash) {
  if (path.empty() || path[0] != '/') return "path does not begin with '/'";
  for (std::size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '#' || c == '?') return "forbidden byte in a canonical path";
    if (c == '/' && path.substr(i).starts_with("//")) return "empty segment";
    if (c != '%') continue;
    const std::string_view escape = path.substr(i, 3);
    if (escape.size() < 3 || escape.find_first_of("abcdef") != std::string_view::npos) return "lower-case escape";
    if (escape == "%00" || escape == "%2E" || escape == "%41" || escape == "%7E")
      return "escape not decoded or refused";
    if (!encoded_slash && (escape == "%2F" || escape == "%5C")) return "encoded slash";
  }
  for (const std::string_view dots : {"/.", "/.."}) {
    if (path.ends_with(dots)) return "dot segment at the end";
    for (const std::string_view after : {"/", ";", "%3B", "%2F", "%5C"}) {
      if (path.find(std::string(dots) + std::string(after)) != std::string_view::npos) return "dot segment";
    }
  }
  return "";
}

inline std::string broken_target(std::string_view target, bool encoded_slash) {
  std::string first_scratch;
  const CanonicalOptions options{.allow_encoded_slash = encoded_slash};
  const auto first = canonicalize(target, options, first_scratch);
  if (!first) return first.error().detail.empty() ? "refused without a detail" : "";
  if (first->form == TargetForm::asterisk) return first->path == "*" ? "" : "asterisk-form with a path";
  if (auto broken = broken_path(first->path, encoded_slash); !broken.empty()) return broken;
  std::string again_text(first->path);
  if (first->has_query) again_text.append("?").append(first->query);
  std::string second_scratch = "untouched";
  const auto second = canonicalize(again_text, options, second_scratch);
  if (!second) return "the canonical form is refused";
  if (second->path != first->path || second->query != first->query || second->has_query != first->has_query)
    return "not idempotent";
  if (!encoded_slash && second_scratch != "untouched") return "a canonical path was copied";
  if (second->path.data() != again_text.data()) return "a canonical path is not a view into the target";
  return "";
}

inline std::string broken_authority(std::string_view text) {
  std::string first_scratch;
  const auto first = parse_authority(text, first_scratch);
  if (!first) return first.error().detail.empty() ? "refused without a detail" : "";
  for (const char c : first->host) {
    if (c <= 0x20 || c >= 0x7f || (c >= 'A' && c <= 'Z') || c == '@' || c == ',') return "forbidden byte in a host";
  }
  std::string second_scratch;
  const auto second = parse_authority(first->host, second_scratch);
  if (!second || second->host != first->host || second->port != 0) return "host is not idempotent";
  return "";
}

inline std::string broken_uri_property(std::string_view input) {
  for (const bool encoded_slash : {false, true}) {
    if (auto broken = broken_target(input, encoded_slash); !broken.empty()) return broken;
  }
  return broken_authority(input);
}

}  // namespace weir::http
