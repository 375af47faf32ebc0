// Byte classes and scans shared by the h1_*.cc files; nobody else includes it. All of it is pure and needs no zero
// terminator: nothing is read outside [at, end).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::http::h1 {

enum ByteClass : std::uint8_t {
  kToken = 1,       // tchar, RFC 9110 §5.6.2
  kUnderscore = 2,  // `_`, a tchar that CGI-like services confuse with `-`
  kTarget = 4,      // visible ASCII but `#`: a fragment is never sent (RFC 9112 §3.2)
  kHost = 8,        // may stand in uri-host [":" port] (RFC 3986 §3.2.2); the exact grammar is http/message/uri.h's
  kVisible = 16,    // 0x21–0x7e
};

inline constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0x21; c <= 0x7e; ++c) classes[c] = kTarget | kVisible;
  classes['#'] = kVisible;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) classes[static_cast<unsigned char>(c)] |= kToken;
  for (const char c : std::string_view("!$%&'()*+-._~:;=[]")) classes[static_cast<unsigned char>(c)] |= kHost;
  for (unsigned c = '0'; c <= '9'; ++c) classes[c] |= kToken | kHost;
  for (unsigned c = 'a'; c <= 'z'; ++c) classes[c] |= kToken | kHost;
  for (unsigned c = 'A'; c <= 'Z'; ++c) classes[c] |= kToken | kHost;
  classes['_'] |= kUnderscore;
  return classes;
}();

inline bool is(char c, ByteClass wanted) noexcept { return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0; }

// The first byte not of that class, or `end`.
inline const char* skip(const char* at, const char* end, ByteClass wanted) noexcept {
  while (at != end && is(*at, wanted)) ++at;
  return at;
}

inline bool all(std::string_view text, ByteClass wanted) noexcept {
  return skip(text.data(), text.data() + text.size(), wanted) == text.data() + text.size();
}

inline bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// A field value may hold all but these (RFC 9110 §5.5): HTAB is allowed, obs-text too.
inline bool is_control(char c) noexcept { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// The first control byte, or `end`. In a well-formed line that is the CR: one pass finds the end and checks the
// value.
inline const char* find_control(const char* at, const char* end) noexcept {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::uint64_t ones = 0x0101010101010101;
  while (end - at >= 8) {
    std::uint64_t bytes;
    std::memcpy(&bytes, at, 8);
    const std::uint64_t del = bytes ^ (ones * 0x7f);
    const std::uint64_t below_space = (bytes - ones * 0x20) & ~bytes;
    // A borrow can only mark bytes above a true hit: the lowest mark is exact.
    const std::uint64_t hits = (below_space | ((del - ones) & ~del)) & (ones * 0x80);
    if (hits == 0) {
      at += 8;
      continue;
    }
    at += std::countr_zero(hits) / 8;
    if (*at != '\t') return at;
    ++at;
  }
  while (at != end && !is_control(*at)) ++at;
  return at;
}

// Without surrounding OWS.
inline std::string_view trim(const char* begin, const char* end) noexcept {
  while (begin != end && is_blank(*begin)) ++begin;
  while (begin != end && is_blank(end[-1])) --end;
  return {begin, end};
}

}  // namespace weir::http::h1
