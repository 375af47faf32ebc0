#include "http/gather.h"

#include <charconv>
#include <cstring>

namespace weir::http {

void Gather::text(std::string_view data) noexcept {
  if (data.empty()) return;
  if (!scratch_) scratch_ = buffers_.take();
  if (data.size() > Buffer::kSize - used_) {
    overflown_ = true;
    return;
  }
  char* at = scratch_.data() + used_;
  std::memcpy(at, data.data(), data.size());
  used_ += data.size();
  if (parts_ > 0) {
    iovec& last = parts_list_[parts_ - 1];
    if (static_cast<char*>(last.iov_base) + last.iov_len == at) {
      last.iov_len += data.size();
      return;
    }
  }
  reference({at, data.size()});
}

void Gather::reference(std::string_view data) noexcept {
  if (parts_ == kParts) {
    overflown_ = true;
    return;
  }
  parts_list_[parts_++] = {const_cast<char*>(data.data()), data.size()};
}

void Gather::field(std::string_view name, std::string_view value) noexcept {
  text(name);
  text(": ");
  text(value);
  text("\r\n");
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
