// The header fields of one message in the order received. Values are views; see message.h for what they point into.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/frame_pool.h"
#include "http/message/field_name.h"

namespace weir::http {

struct Field {
  FieldName id = FieldName::other;
  std::string_view name;   // as received
  std::string_view value;  // without surrounding white space
};

class Fields {
  // Memory comes from the thread's pool, so that a message costs no trip to the allocator.
  template <class T>
  struct Pooled {
    using value_type = T;
    Pooled() = default;
    template <class U>
    explicit Pooled(const Pooled<U>&) noexcept {}
    T* allocate(std::size_t count) { return static_cast<T*>(FramePool::allocate(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t count) noexcept { FramePool::release(memory, count * sizeof(T)); }
    bool operator==(const Pooled&) const noexcept = default;
  };

 public:
  using Vector = std::vector<Field, Pooled<Field>>;
  using iterator = Vector::const_iterator;
  iterator begin() const noexcept { return fields_.begin(); }
  iterator end() const noexcept { return fields_.end(); }
  std::size_t size() const noexcept { return fields_.size(); }
  const Field& operator[](std::size_t i) const noexcept { return fields_[i]; }
  void clear() noexcept { fields_.clear(); }
  void reserve(std::size_t count) { fields_.reserve(count); }

  // Adds without looking; `name` and `value` must outlive the message.
  void append(Field field) {
    if (fields_.capacity() == 0) fields_.reserve(kFirst);
    fields_.push_back(field);
  }
  void append(FieldName id, std::string_view value) { append({id, text(id), value}); }
  void append(std::string_view name, std::string_view value) { append({field_name(name), name, value}); }

  // The first field of that name, or nullptr. `id` other than `other`.
  const Field* find(FieldName id) const noexcept;
  const Field* find(std::string_view name) const noexcept;
  std::string_view value(FieldName id) const noexcept {
    const Field* field = find(id);
    return field ? field->value : std::string_view{};
  }

  // Replaces every field of that name by one; appends when there was none.
  void set(FieldName id, std::string_view value);
  void set(std::string_view name, std::string_view value);

  // Returns how many went.
  std::size_t remove(FieldName id);
  std::size_t remove(std::string_view name);
  template <class Predicate>
  std::size_t remove_if(Predicate predicate) {
    return std::erase_if(fields_, predicate);
  }

  // Gives every field of one name another name, values and order kept.
  void rename(std::string_view from, std::string_view to);

 private:
  static constexpr std::size_t kFirst = 24;  // a browser's head has about 20, and we add a few
  Vector fields_;
};

}  // namespace weir::http
