// Predicates (predicate.h).
#include "snapshot/router/predicate.h"

#include <fmt/format.h>

namespace weir::snapshot {
namespace {

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The next form-decoded character of `raw`, which is not empty; removes it from there.
char take_decoded(std::string_view& raw) noexcept {
  const char c = raw[0];
  if (c == '%' && raw.size() >= 3 && hex_value(raw[1]) >= 0 && hex_value(raw[2]) >= 0) {
    const int byte = hex_value(raw[1]) * 16 + hex_value(raw[2]);
    raw.remove_prefix(3);
    return static_cast<char>(byte);
  }
  raw.remove_prefix(1);
  return c == '+' ? ' ' : c;
}

// Whether `raw`, decoded, is `text`, or only begins with it if `prefix`.
bool decodes_to(std::string_view raw, std::string_view text, bool prefix) noexcept {
  for (const char c : text) {
    if (raw.empty() || take_decoded(raw) != c) return false;
  }
  return prefix || raw.empty();
}

// Whether there is a parameter `name` and `holds` is true of the raw value of every one.
template <class F>
bool all_parameters(std::string_view query, std::string_view name, F holds) noexcept {
  bool some = false;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.empty()) continue;
    const std::string_view raw_name = pair.substr(0, pair.find('='));
    if (!decodes_to(raw_name, name, false)) continue;
    if (!holds(pair.substr(std::min(raw_name.size() + 1, pair.size())))) return false;
    some = true;
  }
  return some;
}

bool same_name(const Predicate& a, const Predicate& b) noexcept {
  if (a.source != b.source) return false;
  return a.source == Predicate::Source::header ? http::equal_ignoring_case(a.name, b.name) : a.name == b.name;
}

}  // namespace

bool Predicate::operator==(const Predicate& other) const noexcept {
  return same_name(*this, other) && test == other.test && value == other.value;
}

bool fits(const Predicate& predicate, const http::Fields& fields, std::string_view query) noexcept {
  using enum Predicate::Test;
  // Of several all must hold: whoever reads another one than we do must not see a request that we would not have sent
  // there (attacks C2).
  if (predicate.source == Predicate::Source::query) {
    return all_parameters(query, predicate.name, [&](std::string_view raw) {
      return predicate.test == present || decodes_to(raw, predicate.value, predicate.test == prefix);
    });
  }
  bool some = false;
  for (const http::Field& field : fields) {
    if (!http::equal_ignoring_case(field.name, predicate.name)) continue;
    if (predicate.test == exact && field.value != predicate.value) return false;
    if (predicate.test == prefix && !field.value.starts_with(predicate.value)) return false;
    some = true;
  }
  return some;
}

bool disjoint(const Predicate& a, const Predicate& b) noexcept {
  using enum Predicate::Test;
  if (!same_name(a, b) || a.test == present || b.test == present) return false;
  const std::string_view left = a.value;
  const std::string_view right = b.value;
  if (a.test == exact && b.test == exact) return left != right;
  if (a.test == exact) return !left.starts_with(right);
  if (b.test == exact) return !right.starts_with(left);
  return !left.starts_with(right) && !right.starts_with(left);
}

std::string describe(const Predicate& predicate) {
  using enum Predicate::Test;
  const std::string_view source = predicate.source == Predicate::Source::header ? "header" : "query";
  if (predicate.test == present) return fmt::format("{} {} is present", source, predicate.name);
  return fmt::format("{} {} {} \"{}\"", source, predicate.name, predicate.test == exact ? "=" : "begins with",
                     predicate.value);
}

}  // namespace weir::snapshot
