// The parameters of a query as received, "a=1&b=%20&c". Used by filters (rewrite, access_log, tokens); pure
// functions, no allocation. Nothing is decoded but names, and those only to be compared.
#pragma once

#include <cstddef>
#include <string_view>

namespace weir::http {

struct Parameter {
  std::string_view whole;  // "a=1"
  std::string_view name;   // "a", as received
  std::string_view value;  // "1"; empty without "="
  bool has_value = false;
};

// Takes the first parameter off `query`, with the "&" behind it. Empty ones ("&&") come out as such.
inline Parameter take_parameter(std::string_view& query) noexcept {
  const std::size_t end = query.find('&');
  Parameter out;
  out.whole = query.substr(0, end);
  query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
  const std::size_t equals = out.whole.find('=');
  out.name = out.whole.substr(0, equals);
  out.has_value = equals != std::string_view::npos;
  if (out.has_value) out.value = out.whole.substr(equals + 1);
  return out;
}

enum class Case : bool { exact, ignored };

// True if `received`, with %XX and "+" decoded, is `name`. Case::ignored: `name` is lower case.
bool names_parameter(std::string_view received, std::string_view name, Case letters) noexcept;

}  // namespace weir::http
