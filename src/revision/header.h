// The line of JSON that stands before a document and before a delta: number, digest, time and signature of the
// revision. Used by signed.cc and delta.cc only. Pure.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "base/json/json.h"
#include "revision/signed.h"

namespace weir::revision {

// 5 members of at most 128 digits; a delta's one more.
inline constexpr std::size_t kLongestLine = 1024;

struct Parts {
  Json line;
  std::string_view rest;
};
// The line, and what follows its newline. The error is a sentence.
std::expected<Parts, std::string> split(std::string_view bytes);

// digest, made_at, number, signature.
Json describe(const Signed& revision);
// False: one is missing or has a form that describe() does not write. Other members are the caller's.
bool read(const Json& line, Signed& out);

bool is_digest(std::string_view text) noexcept;  // 64 lower-case hex digits

std::string hex_of(std::span<const unsigned char> bytes);
bool from_hex(std::string_view text, std::span<unsigned char> out) noexcept;  // exactly as many

}  // namespace weir::revision
