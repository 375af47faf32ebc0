#include "control/api/message/precondition.h"

#include <fmt/format.h>

#include <charconv>

namespace weir::control::api {
namespace {

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// 0: not a tag of ours.
std::uint64_t version_of(std::string_view tag) noexcept {
  if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"' || tag[1] == '0') return 0;
  std::uint64_t out = 0;
  const char* end = tag.data() + tag.size() - 1;
  const auto read = std::from_chars(tag.data() + 1, end, out);
  return read.ec == std::errc() && read.ptr == end ? out : 0;
}

std::unexpected<Refusal> wrong(std::string_view field, std::string message, std::string hint) {
  return refuse(Why::bad_request,
                FieldProblem{.field = std::string(field), .message = std::move(message), .hint = std::move(hint)});
}

}  // namespace

std::string etag(std::uint64_t version) { return fmt::format("\"{}\"", version); }

Outcome<Expected> expected(const ApiRequest& request, Expected unsaid) {
  const std::string* match = request.field("if-match");
  const std::string* none = request.field("if-none-match");
  if (match != nullptr && none != nullptr)
    return wrong("If-Match", "stands beside If-None-Match", "one of them says what is meant");
  if (none != nullptr) {
    if (trim(*none) != "*")
      return wrong("If-None-Match", "of a write may only be *", "it says: make it only if it is not there");
    return Expected{.kind = Expected::Kind::absent};
  }
  if (match == nullptr) return unsaid;
  const std::string_view tag = trim(*match);
  if (tag == "*") return Expected{.kind = Expected::Kind::present};
  if (tag.contains(',')) return wrong("If-Match", "names several versions", "send the one you have read");
  return Expected{.kind = Expected::Kind::version, .version = version_of(tag)};
}

bool not_modified(const ApiRequest& request, std::uint64_t version) noexcept {
  const std::string* none = request.field("if-none-match");
  if (none == nullptr) return false;
  for (std::string_view rest = *none;;) {
    const std::size_t comma = rest.find(',');
    std::string_view tag = trim(rest.substr(0, comma));
    // The weak comparison (RFC 9110 §8.8.3.2): caches may have weakened it.
    if (tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag == "*" || version_of(tag) == version) return true;
    if (comma == std::string_view::npos) return false;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace weir::control::api
