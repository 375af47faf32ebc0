// MethodTable (method_table.h).
#include "snapshot/router/method_table.h"

#include <array>

#include "http/message/message.h"

namespace weir::snapshot {
namespace {

using http::Method;

constexpr auto kStandardCount = static_cast<std::size_t>(Method::other);
constexpr MethodSet kUnnamed = MethodSet{1} << 63;
static_assert(kStandardCount + MethodTable::kMaxCustom <= 63);

// In the order of http::Method.
constexpr std::array<std::string_view, kStandardCount> kNames = {"GET",   "HEAD",    "POST",  "PUT",    "DELETE",
                                                                 "PATCH", "OPTIONS", "TRACE", "CONNECT"};

constexpr MethodSet bit(std::size_t index) noexcept { return MethodSet{1} << index; }

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  for (const char c : text) {
    const bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!alphanumeric && kMarks.find(c) == std::string_view::npos) return false;
  }
  return !text.empty();
}

}  // namespace

MethodSet MethodTable::get() noexcept { return bit(static_cast<std::size_t>(Method::get)); }
MethodSet MethodTable::head() noexcept { return bit(static_cast<std::size_t>(Method::head)); }

MethodSet MethodTable::bit_of(std::string_view token) const noexcept {
  const Method method = http::method_of(token);
  if (method != Method::other) return bit(static_cast<std::size_t>(method));
  for (std::size_t i = 0; i < custom_.size(); ++i) {
    if (custom_[i] == token) return bit(kStandardCount + i);
  }
  return kUnnamed;
}

std::optional<MethodSet> MethodTable::add(std::string_view token) {
  const MethodSet known = bit_of(token);
  if (known != kUnnamed) return known;
  if (!is_token(token) || custom_.size() == kMaxCustom) return std::nullopt;
  custom_.emplace_back(token);
  return bit(kStandardCount + custom_.size() - 1);
}

std::string MethodTable::text(MethodSet set) const {
  std::string out;
  const auto append = [&](std::size_t index, std::string_view name) {
    if ((set & bit(index)) == 0) return;
    if (!out.empty()) out += ", ";
    out += name;
  };
  for (std::size_t i = 0; i < kStandardCount; ++i) append(i, kNames[i]);
  for (std::size_t i = 0; i < custom_.size(); ++i) append(kStandardCount + i, custom_[i]);
  return out;
}

}  // namespace weir::snapshot
