// Memory for what every exchange makes anew, coroutine frames and lists of fields: a free list per size class and
// thread, so that an exchange costs no trip to the allocator. Called by Task's promise and http::Fields. Memory may
// be released on another thread than the one that made it; it then simply joins that thread's list. Off under
// sanitizers, so that they see every use after free.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace weir {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WEIR_FRAME_POOL 0
#endif
#endif
#ifndef WEIR_FRAME_POOL
#define WEIR_FRAME_POOL 1
#endif

class FramePool {
 public:
  static void* allocate(std::size_t bytes) {
#if WEIR_FRAME_POOL
    std::size_t index = class_of(bytes);
    if (index < kClasses) {
      if (Node* node = lists_[index]) {
        lists_[index] = node->next;
        return node;
      }
      return ::operator new((index + 1) * kStep);
    }
#endif
    return ::operator new(bytes);
  }

  static void release(void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#if WEIR_FRAME_POOL
    std::size_t index = class_of(bytes);
    if (index < kClasses) {
      lists_[index] = new (memory) Node{lists_[index]};
      return;
    }
#endif
    ::operator delete(memory);
  }

 private:
  struct Node {
    Node* next;
  };
  static constexpr std::size_t kStep = 64;
  static constexpr std::size_t kClasses = 128;  // up to 8 KiB; the largest frame of ours (one exchange) is below that
  static std::size_t class_of(std::size_t bytes) noexcept { return (bytes - 1) / kStep; }
  // Why: a thread_local array of pointers has no constructor and no owner to be passed through every coroutine.
  static thread_local constinit Node* lists_[kClasses];
};

inline thread_local constinit FramePool::Node* FramePool::lists_[FramePool::kClasses] = {};

}  // namespace weir
