#include "revision/header.h"

#include <algorithm>

#include "base/hex.h"

namespace weir::revision {
namespace {

int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::expected<Parts, std::string> split(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kLongestLine).find('\n');
  if (end == std::string_view::npos) return std::unexpected("this is no revision: it has no first line");
  auto line = parse_json(bytes.substr(0, end));
  if (!line) return std::unexpected("this is no revision: its first line is no JSON");
  return Parts{std::move(*line), bytes.substr(end + 1)};
}

Json describe(const Signed& revision) {
  Json out = Json::object();
  out.set("digest", revision.digest);
  out.set("made_at", revision.made_at);
  out.set("number", revision.number);
  out.set("signature", hex_of(revision.signature));
  return out;
}

bool read(const Json& line, Signed& out) {
  const Json* number = line.find("number");
  const Json* made_at = line.find("made_at");
  const Json* digest = line.find("digest");
  const Json* signature = line.find("signature");
  if (!number || !made_at || !digest || !signature) return false;
  if (!number->is_integer() || number->as_integer() < 1 || !made_at->is_integer()) return false;
  if (!is_digest(digest->as_string()) || !from_hex(signature->as_string(), out.signature)) return false;
  out.number = static_cast<std::uint64_t>(number->as_integer());
  out.made_at = made_at->as_integer();
  out.digest = digest->as_string();
  return true;
}

bool is_digest(std::string_view text) noexcept {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string hex_of(std::span<const unsigned char> bytes) {
  std::string out(2 * bytes.size(), '0');
  char* at = out.data();
  for (const unsigned char byte : bytes) at = write_hex(at, byte, 1);
  return out;
}

bool from_hex(std::string_view text, std::span<unsigned char> out) noexcept {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

}  // namespace weir::revision
