#include "app/operator/plan/yaml_text.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace weir::remote {
namespace {

// A list or object of plain values stands in one line if it is no longer: as wide as people's editors show.
constexpr std::size_t kLongestLine = 100;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Words that YAML 1.1 or 1.2 take for something else than text.
bool is_reserved(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kWords = {"true", "false", "null", "yes", "no",
                                                              "on",   "off",   "y",    "n",   "nan"};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return std::ranges::find(kWords, lower) != kWords.end();
}

// Text that is the same text without quotes, in a block and in brackets: it begins with a letter or "/", and holds
// nothing that YAML reads as a sign. Everything else is quoted.
bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > kLongestLine || is_reserved(text)) return false;
  if (!is_letter(text.front()) && text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool follows = i + 1 < text.size() && text[i + 1] != ' ';
    if (is_letter(c) || is_digit(c) || std::string_view("_-./+*$@").contains(c)) continue;
    if (c == ':' && follows) continue;  // http://users
    if (c == ' ' && follows && text[i + 1] != '#') continue;
    return false;
  }
  return true;
}

std::string scalar(const Json& value) {
  if (!value.is_string()) return to_canonical(value);
  const std::string_view text = value.as_string();
  if (is_plain(text)) return std::string(text);
  std::string out;
  append_json_string(out, text);  // JSON's strings are YAML's in double quotes
  return out;
}

std::string name_text(std::string_view name) { return scalar(Json(name)); }

// Text that can stand as a literal block: lines of printable ASCII, none of which ends or begins with a blank, and a
// line end at the end.
bool is_block(const Json& value) {
  if (!value.is_string()) return false;
  const std::string_view text = value.as_string();
  if (!text.ends_with('\n') || text.ends_with("\n\n") || text.front() == '\n' || std::ranges::count(text, '\n') < 2)
    return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') continue;
    if (c < ' ' || c > '~') return false;
    const bool edge = i == 0 || text[i - 1] == '\n' || text[i + 1] == '\n';
    if (c == ' ' && edge) return false;
  }
  return true;
}

bool is_leaf(const Json& value) {
  if (value.is_array()) return value.items().empty();
  if (value.is_object()) return value.members().empty();
  return !is_block(value);
}

// "[a, b]" or "{a: 1}" if all of it is plain and short; else empty.
std::string in_one_line(const Json& value) {
  if (is_leaf(value)) return scalar(value);
  std::string out;
  for (const Json& item : value.items()) {
    if (!is_leaf(item)) return {};
    out += (out.empty() ? "" : ", ") + scalar(item);
  }
  for (const Json::Member& member : value.members()) {
    const bool list = member.value.is_array() && std::ranges::all_of(member.value.items(), is_leaf);
    if (!is_leaf(member.value) && !list) return {};
    out += (out.empty() ? "" : ", ") + name_text(member.name) + ": " + in_one_line(member.value);
  }
  out = value.is_array() ? "[" + out + "]" : "{" + out + "}";
  return out.size() <= kLongestLine ? out : std::string();
}

class Writer {
 public:
  void block(const Json& value, std::size_t indent) {
    if (value.is_object()) {
      members(value, indent);
    } else {
      for (const Json& item : value.items()) list_item(item, indent);
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void pad(std::size_t indent) { out_.append(indent, ' '); }

  void members(const Json& value, std::size_t indent) {
    bool first = true;
    for (const Json::Member& member : value.members()) {
      if (!first || !in_item_) pad(indent);
      in_item_ = first = false;
      out_ += name_text(member.name) + ":";
      behind(member.value, indent);
    }
  }

  // What stands behind "name:" or "-".
  void behind(const Json& value, std::size_t indent) {
    if (is_block(value)) return literal(value.as_string(), indent + 2);
    // One object in a line is readable, a list of several is not.
    const std::string line = value.is_object() && indent == 0 ? std::string() : in_one_line(value);
    if (!line.empty() || is_leaf(value)) {
      out_ += " " + (line.empty() ? scalar(value) : line) + "\n";
      return;
    }
    out_ += '\n';
    block(value, indent + 2);
  }

  void list_item(const Json& item, std::size_t indent) {
    pad(indent);
    out_ += '-';
    const std::string line = is_block(item) ? std::string() : in_one_line(item);
    if (!line.empty()) {
      out_ += " " + line + "\n";
    } else if (item.is_object()) {
      out_ += ' ';
      in_item_ = true;
      members(item, indent + 2);
    } else {
      behind(item, indent);
    }
  }

  void literal(std::string_view text, std::size_t indent) {
    out_ += " |\n";
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      if (end > 0) pad(indent);
      out_.append(text.substr(0, end + 1));
      text.remove_prefix(end + 1);
    }
  }

  std::string out_;
  bool in_item_ = false;  // behind "- ": the first member needs no indent
};

}  // namespace

std::string to_yaml(const Json& value) {
  if (!value.is_array() && !value.is_object()) return scalar(value) + "\n";
  if (is_leaf(value)) return value.is_array() ? "[]\n" : "{}\n";
  Writer writer;
  writer.block(value, 0);
  return writer.take();
}

}  // namespace weir::remote
