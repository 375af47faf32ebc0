#include "adapters/redis/wire/reply.h"

#include <charconv>

namespace weir::adapters::redis {

Type Value::type() const noexcept { return at_ == kNowhere ? Type::null : reply_->node(at_).type; }

std::optional<std::int64_t> Value::to_integer() const noexcept {
  const Type kind = type();
  if (kind == Type::integer || kind == Type::boolean) return reply_->node(at_).value;
  if (kind != Type::text) return std::nullopt;
  const std::string_view digits = text();
  std::int64_t out = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return out;
}

std::string_view Value::text() const noexcept {
  if (at_ == kNowhere) return {};
  const Reply::Node& node = reply_->node(at_);
  if (node.type != Type::text && node.type != Type::error && node.type != Type::real) return {};
  return std::string_view(reply_->text_).substr(static_cast<std::size_t>(node.value), node.length);
}

std::size_t Value::size() const noexcept { return at_ == kNowhere ? 0 : reply_->node(at_).children; }

Value Value::operator[](std::size_t index) const noexcept {
  if (index >= size()) return {*reply_, kNowhere};
  std::uint32_t at = at_ + 1;
  for (; index > 0; --index) at += reply_->node(at).nodes;
  return {*reply_, at};
}

Value::Iterator& Value::Iterator::operator++() noexcept {
  at_ += reply_->node(at_).nodes;
  --left_;
  return *this;
}

std::string_view Reply::error_code() const noexcept {
  if (!is_error()) return {};
  const std::string_view message = text();
  return message.substr(0, message.find(' '));
}

std::uint32_t Reply::add(const Node& node) {
  if (more_.empty() && count_ < kInline) {
    few_[count_] = node;
  } else {
    if (more_.empty()) more_.assign(few_.begin(), few_.end());
    more_.push_back(node);
  }
  return count_++;
}

void Reply::truncate(std::uint32_t count) noexcept {
  count_ = count;
  if (!more_.empty()) more_.resize(count);
  if (count == 0) few_[0] = {};
}

void Reply::clear() noexcept {
  few_[0] = {};
  count_ = 0;
  more_.clear();
  text_.clear();
}

}  // namespace weir::adapters::redis
