#include "http/gather.h"

#include <charconv>
#include <cstring>

namespace weir::http {

// Where `size` bytes of text go, already counted as part of what is sent; nullptr: no room is left.
char* Gather::room(std::size_t size) noexcept {
  if (!scratch_) scratch_ = buffers_.take();
  if (size > Buffer::kSize - used_) {
    overflown_ = true;
    return nullptr;
  }
  char* at = scratch_.data() + used_;
  used_ += size;
  if (parts_ > 0) {
    iovec& last = parts_list_[parts_ - 1];
    if (static_cast<char*>(last.iov_base) + last.iov_len == at) {
      last.iov_len += size;
      return at;
    }
  }
  reference({at, size});
  return at;
}

void Gather::text(std::string_view data) noexcept {
  if (data.empty()) return;
  if (char* at = room(data.size())) std::memcpy(at, data.data(), data.size());
}

void Gather::reference(std::string_view data) noexcept {
  if (parts_ == kParts) {
    overflown_ = true;
    return;
  }
  parts_list_[parts_++] = {const_cast<char*>(data.data()), data.size()};
}

void Gather::field(std::string_view name, std::string_view value) noexcept {
  char* at = room(name.size() + value.size() + 4);
  if (!at) return;
  std::memcpy(at, name.data(), name.size());
  at += name.size();
  *at++ = ':';
  *at++ = ' ';
  if (!value.empty()) std::memcpy(at, value.data(), value.size());
  at += value.size();
  *at++ = '\r';
  *at = '\n';
}

void Gather::number(std::uint64_t value) noexcept {
  char digits[20];
  auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  text({digits, static_cast<std::size_t>(end - digits)});
}

void Gather::chunk_size(std::uint64_t value) noexcept {
  char digits[18];
  auto [end, error] = std::to_chars(digits, digits + 16, value, 16);
  *end++ = '\r';
  *end++ = '\n';
  text({digits, static_cast<std::size_t>(end - digits)});
}

void Gather::body(std::string_view data) noexcept {
  if (data.empty()) return;
  if (data.size() <= kCopied)
    text(data);
  else
    reference(data);
}

void Gather::reset() noexcept {
  sent();
  overflown_ = false;
  scratch_.give_back();
}

}  // namespace weir::http
