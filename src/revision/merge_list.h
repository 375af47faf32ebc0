// How the delta of one list is applied (its form: difference.cc), for a list of values and for one that is still
// text. Used by delta.cc and splice.cc. Pure.
#pragma once

#include <algorithm>
#include <expected>
#include <string>
#include <string_view>

#include "revision/identity_of.h"

namespace weir::revision {

inline std::unexpected<std::string> unfit(std::string_view where) {
  return std::unexpected("the delta does not fit: " + std::string(where));
}

// Only members of these names, each of that kind.
inline bool has_only(const Json& object, std::initializer_list<std::pair<std::string_view, Json::Kind>> known) {
  return object.is_object() && std::ranges::all_of(object.members(), [&](const Json::Member& member) {
           return std::ranges::any_of(
               known, [&](const auto& one) { return member.name == one.first && member.value.kind() == one.second; });
         });
}

inline bool is_delta(const Json& delta) {
  return has_only(delta,
                  {{"lists", Json::Kind::object}, {"whole", Json::Kind::object}, {"without", Json::Kind::array}});
}

inline const Json::Array& list_of(const Json& delta, std::string_view name) {
  static const Json::Array kNone;
  const Json* found = delta.find(name);
  return found == nullptr ? kNone : found->items();
}

// Names of a delta's `without`.
inline bool leaves(const Json::Array& without, std::string_view name) {
  return std::ranges::any_of(without, [&](const Json& one) { return one.as_string() == name; });
}

// Fed with the objects of the older list, one after the other, then told that it was the last. `add` is called with
// each object of the delta where it belongs. `gone` and `put` are in the order of the older list, `new` in that of
// ids.
template <class Add>
class MergeList {
 public:
  MergeList(const Json& delta, std::string_view member, Add add)
      : gone_(list_of(delta, "gone")),
        put_(list_of(delta, "put")),
        fresh_(list_of(delta, "new")),
        member_(member),
        add_(std::move(add)) {}

  static bool is_one(const Json& delta) {
    return has_only(delta, {{"gone", Json::Kind::array}, {"put", Json::Kind::array}, {"new", Json::Kind::array}});
  }

  // True: it stays as it is, and comes now.
  bool keeps(std::string_view id) {
    while (joining_ < fresh_.size() && id_of(fresh_[joining_], member_) < id) join();
    if (leaving_ < gone_.size() && gone_[leaving_].as_string() == id) {
      ++leaving_;
      return false;
    }
    follow(id);
    if (replacing_ < put_.size() && id_of(put_[replacing_], member_) == id) {
      add_(put_[replacing_++]);
      return false;
    }
    return true;
  }

  std::expected<void, std::string> finish(std::string_view name) {
    while (joining_ < fresh_.size()) join();
    if (leaving_ != gone_.size() || replacing_ != put_.size())
      return unfit(std::string(name) + " has no such object");
    // Where to put an object is only known in a list that is in order.
    if (!fresh_.empty() && !ordered_) return unfit(std::string(name) + " would not be in order");
    return {};
  }

 private:
  void join() {
    follow(id_of(fresh_[joining_], member_));
    add_(fresh_[joining_++]);
  }
  void follow(std::string_view id) {
    if (!first_ && id <= last_) ordered_ = false;
    first_ = false;
    last_ = id;
  }

  const Json::Array &gone_, &put_, &fresh_;
  std::string_view member_;
  Add add_;
  std::size_t leaving_ = 0, replacing_ = 0, joining_ = 0;
  std::string_view last_;
  bool first_ = true;
  bool ordered_ = true;
};

}  // namespace weir::revision
