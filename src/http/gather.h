// Bytes on their way out: small ones copied into one scratch buffer, large ones left where they are, all sent with
// one system call. Under ResponseWriter and RequestWriter. One per message, the loop's thread.
#pragma once

#include <array>
#include <string_view>

#include "io/loop/buffer.h"
#include "io/stream.h"

namespace weir::http {

using io::Buffer;
using io::BufferPool;

class Gather {
 public:
  explicit Gather(BufferPool& buffers) noexcept : buffers_(buffers) {}

  void text(std::string_view data) noexcept;  // copies
  void field(std::string_view name, std::string_view value) noexcept;
  void number(std::uint64_t value) noexcept;      // decimal
  void chunk_size(std::uint64_t value) noexcept;  // hexadecimal and CRLF
  void body(std::string_view data) noexcept;      // copies if small; else the bytes must stay until flushed

  bool empty() const noexcept { return parts_ == 0; }
  // Time to flush: another run of body and its chunk framing might not fit.
  bool full() const noexcept { return parts_ + 4 > kParts || used_ + kCopied + 64 > Buffer::kSize; }
  // More text than the scratch holds was added: the message is broken and must not be sent.
  bool overflown() const noexcept { return overflown_; }

  // The awaited write of everything so far; call sent() once it has returned.
  io::Stream::Write write(io::Stream& stream, io::Duration stall) noexcept {
    return stream.write({parts_list_.data(), parts_}, stall);
  }
  void sent() noexcept {
    parts_ = 0;
    used_ = 0;
  }
  // Forgets what was added and gives the scratch buffer back.
  void reset() noexcept;

 private:
  char* room(std::size_t size) noexcept;
  void reference(std::string_view data) noexcept;

  static constexpr std::size_t kParts = 32;
  // Up to here a copy is cheaper than one more part in the kernel's list (measured on loopback: about 2 KiB).
  static constexpr std::size_t kCopied = 2048;

  BufferPool& buffers_;
  Buffer scratch_;
  std::size_t used_ = 0;
  std::size_t parts_ = 0;
  bool overflown_ = false;
  std::array<iovec, kParts> parts_list_;
};

}  // namespace weir::http
