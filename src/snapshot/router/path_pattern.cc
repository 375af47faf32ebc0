// parse_path_pattern (path_pattern.h).
#include "snapshot/router/path_pattern.h"

#include <fmt/format.h>

#include "http/message/uri.h"

namespace weir::snapshot {
namespace {

constexpr std::size_t kMaxNameBytes =
    64;  // long enough for any name a person types; keeps log and template lines sane

std::unexpected<Problem> refuse(std::string message, std::string hint = {}) {
  return std::unexpected(Problem{{}, {}, std::move(message), std::move(hint)});
}

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool is_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > kMaxNameBytes || !is_letter(name[0])) return false;
  for (const char c : name) {
    if (!is_letter(c) && (c < '0' || c > '9')) return false;
  }
  return true;
}

// Adds the segment `text`; returns what is wrong with it, or an empty string.
std::string add_segment(std::string_view text, PathPattern& out) {
  using enum PatternSegment::Kind;
  if (text == "*" || text == "**") {
    out.segments.push_back({text == "*" ? one : rest, {}});
    return {};
  }
  if (text.starts_with('{') && text.ends_with('}')) {
    std::string_view name = text.substr(1, text.size() - 2);
    const bool is_rest = name.ends_with("...");
    if (is_rest) name.remove_suffix(3);
    if (!is_name(name))
      return fmt::format("\"{}\" is not a capture: a name has letters, digits and \"_\", at most {}, no digit first",
                         text, kMaxNameBytes);
    for (const PatternCapture& other : out.captures) {
      if (other.name == name) return fmt::format("captures \"{}\" twice", name);
    }
    out.captures.push_back({std::string(name), static_cast<std::uint8_t>(out.segments.size()), is_rest});
    out.segments.push_back({is_rest ? rest : one, {}});
    return {};
  }
  if (text.find_first_of("{}") != std::string_view::npos || text.find('*') != std::string_view::npos)
    return fmt::format("\"{}\": \"*\", \"**\" and \"{{name}}\" must be a whole segment", text);
  out.segments.push_back({literal, std::string(text)});
  return {};
}

// The pattern's literals as a path: captures, which canonicalize would encode, stand as "x". Wildcards pass
// unchanged.
std::string with_captures_masked(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t close = text[i] == '{' ? text.find('}', i) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += text[i];
    } else {
      out += 'x';
      i = close;
    }
  }
  return out;
}

}  // namespace

std::expected<PathPattern, Problem> parse_path_pattern(std::string_view text) {
  if (!text.starts_with('/')) return refuse(fmt::format("\"{}\" does not begin with \"/\"", text));
  if (text.size() > kMaxPatternBytes) return refuse(fmt::format("is longer than {} bytes", kMaxPatternBytes));
  PathPattern out;
  for (std::size_t begin = 1; begin <= text.size();) {
    if (!out.segments.empty() && out.segments.back().kind == PatternSegment::Kind::rest)
      return refuse("nothing may follow \"**\" or \"{name...}\"");
    if (out.segments.size() == kMaxPatternSegments)
      return refuse(fmt::format("has more than {} segments", kMaxPatternSegments));
    const std::size_t end = std::min(text.find('/', begin), text.size());
    if (auto wrong = add_segment(text.substr(begin, end - begin), out); !wrong.empty())
      return refuse(std::move(wrong));
    begin = end + 1;
  }
  if (out.captures.size() > kMaxCaptures) return refuse(fmt::format("has more than {} captures", kMaxCaptures));
  const std::string masked = with_captures_masked(text);
  std::string scratch;
  const auto canonical = http::canonicalize(masked, {.allow_encoded_slash = true}, scratch);
  if (!canonical) return refuse(fmt::format("could never match: {}", canonical.error().detail));
  if (canonical->has_query) return refuse("contains \"?\"", "match the query with a predicate");
  if (canonical->path != masked) {
    const bool captures = masked != text;
    return refuse("could never match: paths are compared in canonical form",
                  captures ? "no \"//\", no dot segments, unreserved characters plain, %XX in upper case"
                           : fmt::format("write \"{}\"", canonical->path));
  }
  return out;
}

}  // namespace weir::snapshot
