// canonicalize (uri.h): a fast scan that accepts what is canonical already, and a rewriting pass for everything else.
#include "http/message/uri.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/json/utf8.h"

namespace weir::http {
namespace {

// What a raw byte in a path means. plain: RFC 3986 pchar without '%'.
enum class Byte : std::uint8_t { refused, plain, unreserved, slash, percent, question, encodable };

constexpr std::array<Byte, 256> kBytes = [] {
  std::array<Byte, 256> table{};
  const auto mark = [&](std::string_view bytes, Byte as) {
    for (const char c : bytes) table[static_cast<std::uint8_t>(c)] = as;
  };
  mark("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", Byte::unreserved);
  mark("!$&'()*+,;=:@", Byte::plain);
  mark("\"<>[]^`{|}", Byte::encodable);
  mark("/", Byte::slash);
  mark("%", Byte::percent);
  mark("?", Byte::question);
  return table;
}();

Byte kind_of(char c) noexcept { return kBytes[static_cast<std::uint8_t>(c)]; }

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte that the escape at the front of `text` stands for; -1 if there is none.
int escaped_byte(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '%') return -1;
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// One percent-encoded character: a byte below 0x80, or the two to four escapes of one UTF-8 sequence.
struct Escape {
  std::size_t length = 0;  // bytes of text; 0 = malformed
  int byte = -1;           // the first byte
  const char* problem = nullptr;
};

Escape read_escape(std::string_view text) noexcept {
  const int first = escaped_byte(text);
  if (first < 0) return {0, -1, "invalid percent-encoding in the path"};
  if (first < 0x80) return {3, first, nullptr};
  char bytes[4];
  std::size_t count = 0;
  while (count < sizeof bytes) {
    const int byte = escaped_byte(text.substr(count * 3));
    if (byte < 0x80) break;
    bytes[count++] = static_cast<char>(byte);
    if (count * 3 >= text.size()) break;
  }
  const std::size_t length = utf8_length({bytes, count});
  if (length == 0) return {0, first, "percent-encoded bytes in the path are not UTF-8"};
  return {length * 3, first, nullptr};
}

const char* refusal(int escaped, CanonicalOptions options) noexcept {
  if (escaped == 0) return "encoded NUL in the path";
  if (escaped == '/' && !options.allow_encoded_slash) return "encoded slash in the path";
  if (escaped == '\\' && !options.allow_encoded_slash) return "encoded backslash in the path";
  return nullptr;
}

bool has_lower_hex(std::string_view escapes) noexcept {
  for (const char c : escapes) {
    if (c >= 'a') return true;
  }
  return false;
}

// True for names such as ".well-known", where nothing about the dots is special; `text` begins with '.'.
bool ordinary_dot_name(std::string_view text) noexcept {
  std::size_t i = 0;
  while (i < text.size() && text[i] == '.') ++i;
  if (i == text.size()) return i > 2;
  if (i > 2) return true;
  return text[i] != '/' && text[i] != '?' && text[i] != ';' && text.substr(i, 3) != "%3B";
}

// Whether the path at the front of `target` needs no rewriting. Sets `end` to where it ends. May say no to a
// canonical path in rare cases (kept encoded slashes); canonicalize() then finds out by rewriting.
bool is_canonical(std::string_view target, std::size_t& end) noexcept {
  std::size_t i = 0;
  while (i < target.size()) {
    switch (kind_of(target[i])) {
      case Byte::plain:
      case Byte::unreserved:
        ++i;
        break;
      case Byte::slash:
        ++i;
        if (i < target.size() && target[i] == '/') return false;
        if (i < target.size() && target[i] == '.' && !ordinary_dot_name(target.substr(i))) return false;
        break;
      case Byte::question:
        end = i;
        return true;
      case Byte::percent: {
        const Escape escape = read_escape(target.substr(i));
        if (escape.length == 0 || refusal(escape.byte, {}) != nullptr) return false;
        if (kBytes[static_cast<std::size_t>(escape.byte)] == Byte::unreserved) return false;
        if (has_lower_hex(target.substr(i, escape.length))) return false;
        i += escape.length;
        break;
      }
      case Byte::encodable:
      case Byte::refused:
        return false;
    }
  }
  end = i;
  return true;
}

const char* why_refused(char c) noexcept {
  const auto byte = static_cast<std::uint8_t>(c);
  if (byte >= 0x80) return "non-ASCII byte in the path";
  if (c == '\\') return "backslash in the path";
  if (c == '#') return "fragment in the request target";
  return "control byte or space in the path";
}

void append_escape(std::string& out, std::uint8_t byte) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

// Appends one segment, beginning at `i` of `path`, and moves `i` behind it.
Result<void> append_segment(std::string_view path, std::size_t& i, CanonicalOptions options, std::string& out) {
  while (i < path.size() && path[i] != '/') {
    const Byte kind = kind_of(path[i]);
    if (kind == Byte::percent) {
      const Escape escape = read_escape(path.substr(i));
      if (escape.length == 0) return fail(Reason::bad_path, escape.problem);
      if (const char* why = refusal(escape.byte, options)) return fail(Reason::bad_path, why);
      if (kBytes[static_cast<std::size_t>(escape.byte)] == Byte::unreserved) {
        out += static_cast<char>(escape.byte);
      } else {
        for (std::size_t at = i; at < i + escape.length; at += 3)
          append_escape(out, static_cast<std::uint8_t>(escaped_byte(path.substr(at))));
      }
      i += escape.length;
      continue;
    }
    if (kind == Byte::refused) return fail(Reason::bad_path, why_refused(path[i]));
    if (kind == Byte::encodable) {
      append_escape(out, static_cast<std::uint8_t>(path[i]));
    } else {
      out += path[i];
    }
    ++i;
  }
  return {};
}

enum class Dots : std::uint8_t { none, here, parent, disguised };

Dots dots_of_piece(std::string_view piece) noexcept {
  std::size_t count = 0;
  while (count < piece.size() && piece[count] == '.') ++count;
  if (count == 0 || count > 2) return Dots::none;
  if (count == piece.size()) return count == 1 ? Dots::here : Dots::parent;
  // Servlet containers cut parameters off before they remove dots, so that "..;x" climbs there (CVE-2018-1271 and
  // kin).
  return piece[count] == ';' || piece.substr(count, 3) == "%3B" ? Dots::disguised : Dots::none;
}

// `segment` is rewritten already. A segment with kept encoded slashes may not have dots beside any of them.
Dots dots_of(std::string_view segment) noexcept {
  bool split = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i + 2 < segment.size(); ++i) {
    const std::string_view three = segment.substr(i, 3);
    if (three != "%2F" && three != "%5C") continue;
    if (dots_of_piece(segment.substr(begin, i - begin)) != Dots::none) return Dots::disguised;
    split = true;
    begin = i + 3;
  }
  const Dots last = dots_of_piece(segment.substr(begin));
  return split && last != Dots::none ? Dots::disguised : last;
}

// `path` begins with '/'. `out` is never left with an empty segment but the last.
Result<void> rewrite(std::string_view path, CanonicalOptions options, std::string& out) {
  out.clear();
  bool ends_open = true;  // the last segment was removed, so that its slash stays
  for (std::size_t i = 0; i < path.size();) {
    while (i < path.size() && path[i] == '/') ++i;
    const std::size_t slash = out.size();
    out += '/';
    if (auto appended = append_segment(path, i, options, out); !appended) return appended;
    const Dots dots = dots_of(std::string_view(out).substr(slash + 1));
    ends_open = dots != Dots::none;
    if (dots == Dots::none) continue;
    if (dots == Dots::disguised) return fail(Reason::bad_path, "dot segment with parameters or an encoded slash");
    out.resize(slash);
    if (dots == Dots::here) continue;
    if (slash == 0) return fail(Reason::bad_path, "path climbs above the root");
    out.resize(out.rfind('/'));
  }
  if (ends_open) out += '/';
  return {};
}

// The length of "http://" or "https://" at the front of `target`, in any case; 0 if neither.
std::size_t scheme_length(std::string_view target) noexcept {
  constexpr std::string_view kHttps = "https://";
  constexpr std::string_view kHttp = "http://";
  for (const std::string_view scheme : {kHttp, kHttps}) {
    if (target.size() < scheme.size()) continue;
    std::size_t i = 0;
    while (i < scheme.size() && (target[i] | (i < scheme.size() - 3 ? 0x20 : 0)) == scheme[i]) ++i;
    if (i == scheme.size()) return i;
  }
  return 0;
}

Result<void> check_query(std::string_view query) noexcept {
  for (const char c : query) {
    if (c > 0x20 && c < 0x7f && c != '#') continue;
    return fail(Reason::bad_path, c == '#' ? "fragment in the request target" : "byte not allowed in the query");
  }
  return {};
}

}  // namespace

Result<CanonicalTarget> canonicalize(std::string_view target, CanonicalOptions options, std::string& scratch) {
  CanonicalTarget out;
  if (target == "*") {
    out.form = TargetForm::asterisk;
    out.path = target;
    return out;
  }
  if (const std::size_t scheme = scheme_length(target); scheme != 0) {
    out.form = TargetForm::absolute;
    out.https = scheme == 8;
    const std::size_t end = std::min(target.find_first_of("/?#\\", scheme), target.size());
    out.authority = target.substr(scheme, end - scheme);
    if (out.authority.empty()) return fail(Reason::bad_path, "absolute-form target without a host");
    target.remove_prefix(end);
    out.empty_path = target.empty() || target[0] == '?';
  }
  if (!out.empty_path && (target.empty() || target[0] != '/'))
    return fail(Reason::bad_path, "request target does not begin with '/'");
  std::size_t end = 0;
  if (is_canonical(target, end)) {
    out.path = target.substr(0, end);
  } else {
    end = std::min(target.find('?'), target.size());
    if (auto rewritten = rewrite(target.substr(0, end), options, scratch); !rewritten)
      return std::unexpected(rewritten.error());
    out.path = scratch == target.substr(0, end) ? target.substr(0, end) : std::string_view(scratch);
  }
  if (out.empty_path) out.path = "/";
  if (end == target.size()) return out;
  out.has_query = true;
  out.query = target.substr(end + 1);
  if (auto checked = check_query(out.query); !checked) return std::unexpected(checked.error());
  return out;
}

}  // namespace weir::http
