#include "gateway/keys/revocation_list.h"

#include <charconv>
#include <limits>

#include "base/hash.h"

namespace weir::gateway {
namespace {

constexpr double kAlways = std::numeric_limits<double>::infinity();

std::string key_of(std::string_view kind, std::string_view issuer, std::string_view value) {
  std::string out(kind);
  out.append("\n").append(issuer).append("\n").append(value);
  return out;
}

std::string_view take_word(std::string_view& rest) noexcept {
  const std::size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

}  // namespace

bool RevocationList::add(std::string_view text) {
  bool good = true;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (!line.empty() && line.front() != '#' && !add_line(line)) good = false;
  }
  return good;
}

bool RevocationList::add_line(std::string_view line) {
  const std::string_view whole = line;
  std::string_view kind = take_word(line);
  const std::string_view issuer = take_word(line);
  if (issuer.empty() || line.empty()) return false;
  double before = kAlways;
  if (kind.starts_with("sub@")) {
    const std::string_view digits = kind.substr(4);
    std::int64_t seconds = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), seconds);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return false;
    before = static_cast<double>(seconds);
    kind = "sub";
  } else if (kind != "jti" && kind != "sub") {
    return false;
  }
  const auto [at, fresh] = before_.try_emplace(key_of(kind, issuer, line), before);
  if (!fresh && at->second >= before) return true;
  at->second = before;
  version_ += stable_hash(whole);  // a sum: the order does not matter
  return true;
}

bool RevocationList::lists(std::string_view kind, std::string_view issuer, std::string_view value,
                           double issued_at) const {
  for (const std::string_view whose : {issuer, std::string_view("*")}) {
    const auto at = before_.find(key_of(kind, whose, value));
    if (at != before_.end() && issued_at < at->second) return true;
  }
  return false;
}

bool RevocationList::revoked(const ports::Revocations::Token& token) const noexcept {
  if (before_.empty()) return false;
  return (!token.id.empty() && lists("jti", token.issuer, token.id, token.issued_at)) ||
         (!token.subject.empty() && lists("sub", token.issuer, token.subject, token.issued_at));
}

}  // namespace weir::gateway
