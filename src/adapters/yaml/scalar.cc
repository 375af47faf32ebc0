#include "adapters/yaml/scalar.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace weir::yaml {
namespace {

using namespace std::string_view_literals;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::size_t digits(std::string_view text, std::size_t from) noexcept {
  std::size_t i = from;
  while (i < text.size() && is_digit(text[i])) ++i;
  return i - from;
}

// Unsigned decimal forms: 12, 12., 12.5, .5, each with an optional exponent. `whole` is set for the first.
bool is_decimal(std::string_view text, bool& whole) noexcept {
  std::size_t at = digits(text, 0);
  const std::size_t before = at;
  whole = at == text.size();
  if (whole) return before != 0;
  if (text[at] == '.') {
    const std::size_t after = digits(text, ++at);
    if (before + after == 0) return false;
    at += after;
  }
  if (at == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const std::size_t exponent = digits(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

template <class T>
std::expected<Json, std::string> number(std::string_view text, int base = 10) {
  T value{};
  std::errc error;
  if constexpr (std::is_integral_v<T>) {
    error = std::from_chars(text.data(), text.data() + text.size(), value, base).ec;
  } else {
    error = std::from_chars(text.data(), text.data() + text.size(), value).ec;
  }
  if (error != std::errc()) return std::unexpected(std::string("the number is out of range"));
  return Json(value);
}

// The digits of 0o17 and 0x1F, with their base; empty if `text` is neither.
std::string_view based_digits(std::string_view text, int& base) noexcept {
  if (text.size() < 3 || text[0] != '0' || (text[1] != 'o' && text[1] != 'x')) return {};
  base = text[1] == 'o' ? 8 : 16;
  const std::string_view allowed = base == 8 ? "01234567"sv : "0123456789abcdefABCDEF"sv;
  return text.find_first_not_of(allowed, 2) == std::string_view::npos ? text.substr(2) : std::string_view();
}

}  // namespace

std::expected<Json, std::string> resolve_plain(std::string_view text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return Json();
  if (is_one_of(text, {"true", "True", "TRUE"})) return Json(true);
  if (is_one_of(text, {"false", "False", "FALSE"})) return Json(false);
  int base = 10;
  if (const std::string_view rest = based_digits(text, base); !rest.empty()) return number<std::int64_t>(rest, base);
  const bool is_signed = text[0] == '-' || text[0] == '+';
  const std::string_view unsigned_text = text.substr(is_signed ? 1 : 0);
  if (is_one_of(unsigned_text, {".inf", ".Inf", ".INF"}) || is_one_of(text, {".nan", ".NaN", ".NAN"})) {
    return std::unexpected(std::string("infinity and not-a-number are not allowed"));
  }
  bool whole = false;
  if (!is_decimal(unsigned_text, whole)) return Json(text);
  if (unsigned_text.size() > 1 && unsigned_text[0] == '0' && is_digit(unsigned_text[1])) {
    return std::unexpected(std::string("a number has no leading zeros"));
  }
  const std::string_view for_from_chars = text[0] == '+' ? unsigned_text : text;
  return whole ? number<std::int64_t>(for_from_chars) : number<double>(for_from_chars);
}

}  // namespace weir::yaml
