#include "adapters/redis/wire/parser.h"

#include <charconv>
#include <utility>

namespace weir::adapters::redis {
namespace {

bool parse_number(std::string_view text, std::int64_t& out) noexcept {
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Parser::Status Parser::fail(std::string_view problem) noexcept {
  problem_ = problem;
  return Status::malformed;
}

Reply Parser::take() noexcept {
  Reply out = std::move(reply_);
  reply_.clear();
  return out;
}

Parser::Status Parser::feed(std::string_view& bytes) {
  if (!problem_.empty()) return Status::malformed;
  while (!bytes.empty()) {
    Status status;
    if (in_bulk_) {
      status = feed_bulk(bytes);
    } else {
      const std::size_t end = bytes.find('\n');
      const std::size_t length = (end == std::string_view::npos ? bytes.size() : end + 1);
      if (line_.size() + length > limits_.line) return fail("a line is too long");
      const std::string_view piece = bytes.substr(0, length);
      bytes.remove_prefix(length);
      if (end == std::string_view::npos) {
        line_.append(piece);
        return Status::needs_more;
      }
      if (line_.empty()) {
        status = on_line(piece);
      } else {
        line_.append(piece);
        status = on_line(line_);
        line_.clear();
      }
    }
    if (status != Status::needs_more) return status;
  }
  return Status::needs_more;
}

Parser::Status Parser::on_line(std::string_view line) {
  if (line.size() < 3 || line[line.size() - 2] != '\r') return fail("a line does not end with CRLF");
  const char kind = line.front();
  const std::string_view rest = line.substr(1, line.size() - 3);
  Reply::Node node;
  switch (kind) {
    case '+':
    case '(':
      return on_text(Type::text, rest);
    case '-':
      return on_text(Type::error, rest);
    case ',':
      return on_text(Type::real, rest);
    case ':':
      node.type = Type::integer;
      return parse_number(rest, node.value) ? add(node) : fail("not an integer");
    case '#':
      if (rest != "t" && rest != "f") return fail("not a boolean");
      node.type = Type::boolean;
      node.value = rest == "t";
      return add(node);
    case '_':
      return rest.empty() ? add(node) : fail("not a null");
    case '$':
    case '=':
    case '!':
      return on_bulk_header(kind, rest);
    case '*':
    case '~':
    case '%':
    case '>':
    case '|':
      return on_aggregate(kind, rest);
    default:
      return fail("a reply of no known type");
  }
}

Parser::Status Parser::on_text(Type type, std::string_view text) {
  if (text.find('\r') != std::string_view::npos) return fail("a bare carriage return");
  if (reply_.text_.size() + text.size() > limits_.text) return fail("a reply is too large");
  Reply::Node node;
  node.type = type;
  node.value = static_cast<std::int64_t>(reply_.text_.size());
  node.length = static_cast<std::uint32_t>(text.size());
  reply_.text_.append(text);
  return add(node);
}

Parser::Status Parser::on_bulk_header(char kind, std::string_view rest) {
  std::int64_t length = 0;
  if (!parse_number(rest, length)) return fail("not a length");
  if (length == -1 && kind == '$') return add({});
  if (length < 0) return fail("a negative length");
  if (reply_.text_.size() + static_cast<std::uint64_t>(length) > limits_.text) return fail("a reply is too large");
  verbatim_ = kind == '=';
  if (verbatim_ && length < 4) return fail("a verbatim string without its kind");
  bulk_ = {};
  bulk_.type = kind == '!' ? Type::error : Type::text;
  bulk_.value = static_cast<std::int64_t>(reply_.text_.size());
  bulk_.length = static_cast<std::uint32_t>(length);
  bulk_left_ = static_cast<std::size_t>(length) + 2;
  in_bulk_ = true;
  return Status::needs_more;
}

Parser::Status Parser::feed_bulk(std::string_view& bytes) {
  if (bulk_left_ > 2) {
    const std::string_view piece = bytes.substr(0, bulk_left_ - 2);
    reply_.text_.append(piece);
    bytes.remove_prefix(piece.size());
    bulk_left_ -= piece.size();
  }
  while (bulk_left_ <= 2 && bulk_left_ > 0 && !bytes.empty()) {
    if (bytes.front() != (bulk_left_ == 2 ? '\r' : '\n')) return fail("a string does not end with CRLF");
    bytes.remove_prefix(1);
    --bulk_left_;
  }
  if (bulk_left_ > 0) return Status::needs_more;
  in_bulk_ = false;
  if (verbatim_) {  // "txt:" in front is how to show it
    bulk_.value += 4;
    bulk_.length -= 4;
  }
  return add(bulk_);
}

Parser::Status Parser::on_aggregate(char kind, std::string_view rest) {
  std::int64_t count = 0;
  if (!parse_number(rest, count)) return fail("not a count");
  if (count == -1 && kind == '*') return add({});
  if (count < 0) return fail("a negative count");
  if (kind == '>' && !stack_.empty()) return fail("a push within a reply");
  if (static_cast<std::uint64_t>(count) > limits_.nodes) return fail("a reply is too large");
  if (kind == '%' || kind == '|') count *= 2;
  if (stack_.size() >= limits_.depth) return fail("a reply is too deep");
  if (reply_.count_ >= limits_.nodes) return fail("a reply is too large");
  Reply::Node node;
  node.type = kind == '>' ? Type::push : Type::array;
  node.children = static_cast<std::uint32_t>(count);
  const bool attribute = kind == '|';
  if (count == 0) return attribute ? Status::needs_more : add(node);
  stack_.push_back({reply_.add(node), node.children, attribute});
  return Status::needs_more;
}

Parser::Status Parser::add(const Reply::Node& node) {
  if (reply_.count_ >= limits_.nodes) return fail("a reply is too large");
  reply_.add(node);
  return finish_value();
}

Parser::Status Parser::finish_value() {
  while (!stack_.empty()) {
    Open& top = stack_.back();
    if (--top.left > 0) return Status::needs_more;
    const Open closed = top;
    stack_.pop_back();
    if (closed.attribute) {
      reply_.truncate(closed.at);  // its text stays behind unused, within the limit
      return Status::needs_more;
    }
    reply_.node(closed.at).nodes = reply_.count_ - closed.at;
  }
  return Status::complete;
}

}  // namespace weir::adapters::redis
