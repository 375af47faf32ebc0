// The byte buffers messages are received into. A worker keeps a stack of them, so that the one used last, still warm
// in the cache, is used next; a connection holds one only while an exchange is on its way. One pool per worker, its
// thread only.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace weir::io {

class BufferPool;

// A leased buffer, given back on destruction. `begin`..`end` is what has been received and not yet used up.
class Buffer {
 public:
  // Twice the largest head, so that a body always finds room behind the head it came with; untouched pages cost
  // nothing.
  static constexpr std::size_t kSize = 64 * 1024;

  Buffer() = default;
  Buffer(Buffer&& other) noexcept : pool_(other.pool_), bytes_(std::move(other.bytes_)) {}
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { give_back(); }

  explicit operator bool() const noexcept { return bytes_ != nullptr; }
  char* data() const noexcept { return bytes_.get(); }
  void give_back() noexcept;

 private:
  friend class BufferPool;
  friend class Ring;
  Buffer(BufferPool& pool, std::unique_ptr<char[]> bytes) noexcept : pool_(&pool), bytes_(std::move(bytes)) {}
  // For the ring, which lends the bytes to the kernel without a lease.
  std::unique_ptr<char[]> detach() noexcept { return std::move(bytes_); }
  BufferPool* pool_ = nullptr;
  std::unique_ptr<char[]> bytes_;
};

class BufferPool {
 public:
  Buffer take() {
    if (free_.empty()) return {*this, std::make_unique_for_overwrite<char[]>(Buffer::kSize + kColour)};
    Buffer out{*this, std::move(free_.back())};
    free_.pop_back();
    return out;
  }

 private:
  friend class Buffer;
  // What a turn with a hundred exchanges under way takes, two or three each; a burst beyond that goes back to the
  // allocator. Only what was ever written to takes memory: of most, the pages of one head.
  static constexpr std::size_t kKept = 256;
  // Buffers a power of two apart begin in the same few sets of every cache, and evict each other's heads. 81 lines
  // more (an odd number) spread them over all sets. Never written to.
  static constexpr std::size_t kColour = 81 * 64;
  void put(std::unique_ptr<char[]> bytes) {
    if (free_.size() < kKept) free_.push_back(std::move(bytes));
  }
  std::vector<std::unique_ptr<char[]>> free_;
};

inline void Buffer::give_back() noexcept {
  if (bytes_) pool_->put(std::move(bytes_));
}

inline Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    give_back();
    pool_ = other.pool_;
    bytes_ = std::move(other.bytes_);
  }
  return *this;
}

}  // namespace weir::io
