// JSON output (json.h): the canonical and the pretty form, and the string escape shared with the access log.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/json/json.h"
#include "base/json/utf8.h"

namespace weir {
namespace {

constexpr std::uint64_t every_byte(std::uint8_t value) noexcept { return value * 0x0101010101010101ULL; }

// Nonzero if any of the eight bytes is a control, DEL, '"', '\\' or not ASCII. A borrow may raise a false alarm
// behind a true one; the caller then looks at single bytes, so it costs time only.
constexpr std::uint64_t needs_care(std::uint64_t word) noexcept {
  constexpr std::uint64_t kHigh = every_byte(0x80);
  const auto zero_byte = [](std::uint64_t x) { return (x - every_byte(0x01)) & ~x & kHigh; };
  const std::uint64_t control = (word - every_byte(0x20)) & ~word & kHigh;
  return (word & kHigh) | control | zero_byte(word ^ every_byte('"')) | zero_byte(word ^ every_byte('\\')) |
         zero_byte(word ^ every_byte(0x7f));
}

constexpr bool plain(char c) noexcept {
  const auto byte = static_cast<std::uint8_t>(c);
  return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

void append_escape(std::string& out, char c) {
  constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
  constexpr std::string_view kLetters = "\"\\bfnrt";
  if (const std::size_t found = kShort.find(c); found != std::string_view::npos) {
    out += '\\';
    out += kLetters[found];
    return;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u00";
  out += kHex[static_cast<std::uint8_t>(c) >> 4];
  out += kHex[c & 15];
}

void append_number(std::string& out, double value) {
  // JSON has no NaN or infinity; readers refuse both, so only arithmetic of ours could make one.
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  // Whole numbers are written as integers ("100000", not "1e+05") while a double counts exactly; larger ones with an
  // exponent, because 2^63 written out would read back as an integer out of range.
  constexpr double kExactLimit = 9007199254740992.0;  // 2^53
  char text[32];
  char* const last = text + sizeof text;
  const double size = std::abs(value);
  char* end = nullptr;
  if (size > kExactLimit) {
    end = std::to_chars(text, last, value, std::chars_format::scientific).ptr;
  } else if (std::trunc(value) == value) {
    end = std::to_chars(text, last, static_cast<std::int64_t>(value)).ptr;
  } else {
    end = std::to_chars(text, last, value).ptr;
  }
  out.append(text, end);
}

class Writer {
 public:
  Writer(std::string& out, bool pretty) noexcept : out_(out), pretty_(pretty) {}

  void value(const Json& json) {
    switch (json.kind()) {
      case Json::Kind::null:
        out_ += "null";
        break;
      case Json::Kind::boolean:
        out_ += json.as_boolean() ? "true" : "false";
        break;
      case Json::Kind::integer:
        out_ += std::to_string(json.as_integer());
        break;
      case Json::Kind::number:
        append_number(out_, json.as_number());
        break;
      case Json::Kind::string:
        append_json_string(out_, json.as_string());
        break;
      case Json::Kind::array:
        array(json.items());
        break;
      case Json::Kind::object:
        object(json.members());
        break;
    }
  }

 private:
  void array(const Json::Array& items) {
    open('[');
    for (std::size_t i = 0; i < items.size(); ++i) {
      separate(i);
      value(items[i]);
    }
    close(']', items.empty());
  }

  void object(const Json::Object& members) {
    std::vector<const Json::Member*> order(members.size());
    std::ranges::transform(members, order.begin(), [](const Json::Member& member) { return &member; });
    if (!pretty_)
      std::ranges::sort(order, {}, [](const Json::Member* member) { return std::string_view(member->name); });
    open('{');
    for (std::size_t i = 0; i < order.size(); ++i) {
      separate(i);
      append_json_string(out_, order[i]->name);
      out_ += pretty_ ? ": " : ":";
      value(order[i]->value);
    }
    close('}', members.empty());
  }

  void open(char bracket) {
    out_ += bracket;
    ++depth_;
  }

  void close(char bracket, bool empty) {
    --depth_;
    if (!empty) new_line();
    out_ += bracket;
  }

  void separate(std::size_t index) {
    if (index != 0) out_ += ',';
    new_line();
  }

  void new_line() {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(2 * depth_, ' ');
  }

  std::string& out_;
  bool pretty_;
  std::size_t depth_ = 0;
};

}  // namespace

std::string to_canonical(const Json& value) {
  std::string out;
  Writer(out, false).value(value);
  return out;
}

std::string to_pretty(const Json& value) {
  std::string out;
  Writer(out, true).value(value);
  return out;
}

std::size_t plain_json_prefix(std::string_view text) noexcept {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof word);
    if (needs_care(word) != 0) break;
  }
  while (i < text.size() && plain(text[i])) ++i;
  return i;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (true) {
    const std::size_t clean = plain_json_prefix(text);
    out.append(text.data(), clean);
    text.remove_prefix(clean);
    if (text.empty()) break;
    std::size_t length = 1;
    if (static_cast<std::uint8_t>(text[0]) < 0x80) {
      append_escape(out, text[0]);
    } else if (length = utf8_length(text); length != 0) {
      out.append(text.data(), length);
    } else {
      out += "\\ufffd";
      length = 1;
    }
    text.remove_prefix(length);
  }
  out += '"';
}

}  // namespace weir
