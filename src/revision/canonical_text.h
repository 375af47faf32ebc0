// A walk over canonical JSON as text, for changing a few objects of a large document without reading all of it into
// values. Used by splice.cc only. It trusts nothing to stay in bounds, and gives up (good() is false) at what
// canonical text does not hold where it looks; what it only passes over it does not judge.
#pragma once

#include <cstring>
#include <string_view>

namespace weir::revision {

class CanonicalText {
 public:
  explicit CanonicalText(std::string_view text) noexcept : text_(text) {}

  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return at_ == text_.size(); }
  std::size_t at() const noexcept { return at_; }
  std::string_view since(std::size_t begin) const noexcept { return text_.substr(begin, at_ - begin); }
  bool next_is(char c) const noexcept { return at_ < text_.size() && text_[at_] == c; }

  // True: it was there, and is behind us now.
  bool take(char c) noexcept {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  void expect(char c) noexcept { good_ = take(c) && good_; }

  // Of a string without escapes: other names and ids are left to whoever reads values.
  std::string_view plain_string() noexcept {
    const std::size_t begin = at_ + 1;
    skip_string();
    if (!good_) return {};
    const std::string_view inside = text_.substr(begin, at_ - 1 - begin);
    good_ = inside.find('\\') == std::string_view::npos;
    return inside;
  }

  // One value of any kind.
  std::string_view value() noexcept {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    do {
      if (at_ >= text_.size()) {
        good_ = false;
        return {};
      }
      switch (text_[at_]) {
        case '"':
          skip_string();
          break;
        case '{':
        case '[':
          ++depth;
          ++at_;
          break;
        case '}':
        case ']':
          if (depth == 0) good_ = false;
          --depth;
          ++at_;
          break;
        case ',':
        case ':':
          if (depth == 0) good_ = false;
          ++at_;
          break;
        default:
          skip_word();
      }
    } while (depth != 0 && good_);
    return since(begin);
  }

 private:
  void skip_string() noexcept {
    expect('"');
    while (good_) {
      const void* quote = std::memchr(text_.data() + at_, '"', text_.size() - at_);
      if (quote == nullptr) break;
      const std::size_t end = static_cast<std::size_t>(static_cast<const char*>(quote) - text_.data());
      std::size_t escapes = 0;
      while (end - escapes > at_ && text_[end - escapes - 1] == '\\') ++escapes;
      at_ = end + 1;
      if (escapes % 2 == 0) return;
    }
    good_ = false;
  }
  // A number, true, false, null.
  void skip_word() noexcept {
    constexpr std::string_view kEnds(",:]}");
    while (at_ < text_.size() && !kEnds.contains(text_[at_])) ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool good_ = true;
};

}  // namespace weir::revision
