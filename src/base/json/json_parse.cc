// The strict JSON reader (json.h, RFC 8259). Recursion is bounded by kJsonDepthLimit.
#include <charconv>

#include "base/json/json.h"
#include "base/json/utf8.h"

namespace weir {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) noexcept : text_(text) {}

  std::expected<Json, Problem> document() {
    if (text_.starts_with("\xef\xbb\xbf")) {
      refuse(0, "the text begins with a byte order mark", "save it as UTF-8 without one");
    } else {
      Json value;
      skip_space();
      if (read(value) && (skip_space(), at_ != text_.size()))
        refuse(at_, "unexpected text after the end of the value");
      if (!failed_) return value;
    }
    return std::unexpected(std::move(problem_));
  }

 private:
  bool read(Json& out) {
    const Position start = position(at_);
    bool read = false;
    switch (peek()) {
      case '{':
        read = nested(out, &Parser::object);
        break;
      case '[':
        read = nested(out, &Parser::array);
        break;
      case '"': {
        std::string value;
        read = string(value);
        out = Json(std::move(value));
        break;
      }
      case 't':
        read = word("true", Json(true), out);
        break;
      case 'f':
        read = word("false", Json(false), out);
        break;
      case 'n':
        read = word("null", Json(), out);
        break;
      default:
        read = number(out);
    }
    out.position = start;
    return read;
  }

  bool nested(Json& out, bool (Parser::*container)(Json&)) {
    if (depth_ == kJsonDepthLimit) {
      return refuse(at_, "nested deeper than " + std::to_string(kJsonDepthLimit) + " levels");
    }
    ++depth_;
    ++at_;
    skip_space();
    const bool read = (this->*container)(out);
    --depth_;
    return read;
  }

  bool array(Json& out) {
    Json::Array items;
    if (!take(']')) {
      do {
        skip_space();
        if (!read(items.emplace_back())) return false;
        skip_space();
      } while (take(','));
      if (!take(']')) return refuse(at_, "expected \",\" or \"]\" after a list element");
    }
    out = Json(std::move(items));
    return true;
  }

  bool object(Json& out) {
    Json::Object members;
    if (!take('}')) {
      do {
        skip_space();
        if (!member(members.emplace_back())) return false;
        skip_space();
      } while (take(','));
      if (!take('}')) return refuse(at_, "expected \",\" or \"}\" after a member");
    }
    if (const Json::Member* twin = find_duplicate(members)) {
      return refuse_at(twin->name_position, "the field \"" + twin->name + "\" stands here twice");
    }
    out = Json(std::move(members));
    return true;
  }

  bool member(Json::Member& out) {
    if (peek() != '"') return refuse(at_, "expected a field's name in double quotes");
    out.name_position = position(at_);
    if (!string(out.name)) return false;
    skip_space();
    if (!take(':')) return refuse(at_, "expected \":\" after the field's name");
    skip_space();
    return read(out.value);
  }

  bool word(std::string_view expected, Json value, Json& out) {
    if (!text_.substr(at_).starts_with(expected)) return refuse(at_, "expected a value");
    at_ += expected.size();
    out = std::move(value);
    return true;
  }

  bool number(Json& out) {
    const std::size_t start = at_;
    take('-');
    if (!is_digit(peek())) return refuse(start, "expected a value");
    if (!take('0')) digits();
    if (is_digit(peek())) return refuse(start, "a number has no leading zeros");
    bool whole = true;
    if (take('.')) {
      whole = false;
      if (!digits()) return refuse(at_, "expected a digit after the decimal point");
    }
    if (take('e') || take('E')) {
      whole = false;
      if (!take('+')) take('-');
      if (!digits()) return refuse(at_, "expected a digit in the exponent");
    }
    const char* first = text_.data() + start;
    const char* last = text_.data() + at_;
    std::int64_t integer = 0;
    double real = 0;
    const std::errc error = whole ? std::from_chars(first, last, integer).ec : std::from_chars(first, last, real).ec;
    if (error != std::errc()) return refuse(start, "the number is out of range");
    out = whole ? Json(integer) : Json(real);
    return true;
  }

  bool digits() noexcept {
    const std::size_t start = at_;
    while (is_digit(peek())) ++at_;
    return at_ != start;
  }

  bool string(std::string& out) {
    const std::size_t start = at_++;
    while (at_ < text_.size()) {
      const auto byte = static_cast<std::uint8_t>(text_[at_]);
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte < 0x20) return refuse(at_, "a control character in a string must be written as an escape");
      if (byte == '\\') {
        if (!escape(out)) return false;
        continue;
      }
      const std::size_t length = utf8_length(text_.substr(at_));
      if (length == 0) return refuse(at_, "the text is not valid UTF-8");
      out.append(text_, at_, length);
      at_ += length;
    }
    return refuse(start, "the string has no closing quote");
  }

  bool escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t start = at_++;
    if (take('u')) return unicode_escape(out, start);
    const std::size_t found = at_ < text_.size() ? kLetters.find(text_[at_]) : std::string_view::npos;
    if (found == std::string_view::npos) return refuse(start, "unknown escape in a string");
    ++at_;
    out += kMeanings[found];
    return true;
  }

  bool unicode_escape(std::string& out, std::size_t start) {
    std::uint32_t code = 0;
    if (!hex4(code)) return refuse(start, "expected four hexadecimal digits after \\u");
    if (code >= 0xdc00 && code <= 0xdfff) return refuse(start, "a low surrogate without its high one");
    if (code >= 0xd800 && code <= 0xdbff) {
      std::uint32_t low = 0;
      if (!take('\\') || !take('u') || !hex4(low) || low < 0xdc00 || low > 0xdfff) {
        return refuse(start, "a high surrogate without its low one");
      }
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out, code);
    return true;
  }

  bool hex4(std::uint32_t& code) noexcept {
    if (text_.size() - at_ < 4) return false;
    const char* first = text_.data() + at_;
    const auto parsed = std::from_chars(first, first + 4, code, 16);
    at_ += 4;
    return parsed.ec == std::errc() && parsed.ptr == first + 4;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xc0 | (code >> 6));
      tail(0);
    } else if (code < 0x10000) {
      out += static_cast<char>(0xe0 | (code >> 12));
      tail(6);
      tail(0);
    } else {
      out += static_cast<char>(0xf0 | (code >> 18));
      tail(12);
      tail(6);
      tail(0);
    }
  }

  void skip_space() noexcept {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool take(char expected) noexcept {
    if (at_ >= text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }

  // Counts on from the last place asked for, so that all positions of a text together cost one pass. Columns count
  // characters, not bytes: that is what editors show.
  Position position(std::size_t offset) noexcept {
    for (; counted_ < offset; ++counted_) {
      if (text_[counted_] == '\n') {
        mark_ = {mark_.line + 1, 1};
      } else if ((static_cast<std::uint8_t>(text_[counted_]) & 0xc0) != 0x80) {
        ++mark_.column;
      }
    }
    return mark_;
  }

  bool refuse(std::size_t offset, std::string message, std::string hint = {}) {
    if (offset == text_.size()) message = "unexpected end of the text: " + message;
    return refuse_at(position(offset), std::move(message), std::move(hint));
  }

  bool refuse_at(Position where, std::string message, std::string hint = {}) {
    failed_ = true;
    problem_ = {where, "", std::move(message), std::move(hint)};
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::size_t counted_ = 0;
  Position mark_{1, 1};
  bool failed_ = false;
  Problem problem_;
};

}  // namespace

std::expected<Json, Problem> parse_json(std::string_view text) { return Parser(text).document(); }

}  // namespace weir
