#include "app/operator/plan/change_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json/schema.h"

namespace weir::remote {
namespace {

// Half a line of a terminal: what differs is seen, a certificate does not fill the screen.
constexpr std::size_t kLongestValue = 60;

struct Palette {
  std::string_view add, change, remove, faint, end;
};
constexpr Palette kPlain{};
constexpr Palette kColours{"\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[0m"};

std::string value_text(const Json& value) {
  std::string out = to_canonical(value);
  if (out.size() <= kLongestValue) return out;
  std::size_t end = kLongestValue;
  while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;  // not inside a character
  return out.substr(0, end) + "…";
}

class Differences {
 public:
  explicit Differences(const Palette& palette) : palette_(palette) {}

  void between(const Json& before, const Json& after, const std::string& path) {
    if (to_canonical(before) == to_canonical(after)) return;
    if (before.is_object() && after.is_object()) return between_objects(before, after, path);
    if (before.is_array() && after.is_array()) return between_lists(before.items(), after.items(), path);
    line(palette_.change, fmt::format("{}: {} -> {}", path, value_text(before), value_text(after)));
  }

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view colour, const std::string& text) {
    out_ += fmt::format("    {}{}{}\n", colour, text, palette_.end);
  }

  void between_objects(const Json& before, const Json& after, const std::string& path) {
    for (const Json::Member& member : before.members())
      if (after.find(member.name) == nullptr)
        line(palette_.remove, fmt::format("- {}: {}", member_path(path, member.name), value_text(member.value)));
    for (const Json::Member& member : after.members()) {
      const Json* old = before.find(member.name);
      if (old != nullptr) {
        between(*old, member.value, member_path(path, member.name));
      } else {
        line(palette_.add, fmt::format("+ {}: {}", member_path(path, member.name), value_text(member.value)));
      }
    }
  }

  // Begin and end that are the same say nothing; what is between is compared if it is as long, else shown as a whole.
  void between_lists(const Json::Array& before, const Json::Array& after, const std::string& path) {
    std::size_t head = 0;
    while (head < before.size() && head < after.size() && same(before[head], after[head])) ++head;
    std::size_t tail = 0;
    while (tail < before.size() - head && tail < after.size() - head &&
           same(before[before.size() - 1 - tail], after[after.size() - 1 - tail]))
      ++tail;
    const std::size_t old_end = before.size() - tail;
    const std::size_t new_end = after.size() - tail;
    if (old_end == new_end) {
      for (std::size_t i = head; i < old_end; ++i) between(before[i], after[i], item_path(path, i));
      return;
    }
    for (std::size_t i = head; i < old_end; ++i)
      line(palette_.remove, fmt::format("- {}: {}", item_path(path, i), value_text(before[i])));
    for (std::size_t i = head; i < new_end; ++i)
      line(palette_.add, fmt::format("+ {}: {}", item_path(path, i), value_text(after[i])));
  }

  static bool same(const Json& one, const Json& other) { return to_canonical(one) == to_canonical(other); }

  const Palette& palette_;
  std::string out_;
};

std::string_view word(Change::Op op) {
  switch (op) {
    case Change::Op::add:
      return "add";
    case Change::Op::change:
      return "change";
    case Change::Op::remove:
      break;
  }
  return "remove";
}

}  // namespace

std::string change_text(std::span<const Change> changes, bool coloured) {
  const Palette& palette = coloured ? kColours : kPlain;
  std::string out;
  for (const Change& change : changes) {
    const auto [sign, colour] = change.op == Change::Op::add      ? std::pair('+', palette.add)
                                : change.op == Change::Op::change ? std::pair('~', palette.change)
                                                                  : std::pair('-', palette.remove);
    out += fmt::format("{}{} {} {}{}", colour, sign, control::word(change.kind), change.name, palette.end);
    if (!change.place.empty()) out += fmt::format("  {}{}{}", palette.faint, change.place, palette.end);
    out += '\n';
    if (change.op != Change::Op::change) continue;
    Differences differences(palette);
    differences.between(change.before, change.after, "");
    out += differences.take();
  }
  return out;
}

std::string count_text(std::span<const Change> changes) {
  const auto count = [changes](Change::Op op) { return std::ranges::count(changes, op, &Change::op); };
  return fmt::format("{} added, {} changed, {} removed", count(Change::Op::add), count(Change::Op::change),
                     count(Change::Op::remove));
}

Json to_json(std::span<const Change> changes) {
  Json out = Json::array();
  for (const Change& change : changes) {
    Json one =
        Json::object().set("op", word(change.op)).set("kind", control::word(change.kind)).set("name", change.name);
    if (!change.before.is_null()) one.set("before", change.before);
    if (!change.after.is_null()) one.set("after", change.after);
    if (!change.place.empty()) one.set("place", change.place);
    out.push(std::move(one));
  }
  return out;
}

}  // namespace weir::remote
