#include "revision/splice.h"

#include <algorithm>
#include <vector>

#include "revision/canonical_text.h"
#include "revision/list_difference.h"
#include "revision/merge_list.h"

namespace weir::revision {
namespace {

struct Part {
  std::string_view name;
  std::string_view kept;  // of the older text
  std::string made;       // if that is empty
};

// Steps over one object of a list. Its id; empty: it has none.
std::string_view step_over(CanonicalText& text, std::string_view member) {
  if (text.next_is('"')) return text.plain_string();
  if (!text.next_is('{')) {
    text.value();
    return {};
  }
  std::string_view id;
  text.expect('{');
  if (text.take('}')) return id;
  do {
    const std::string_view name = text.plain_string();
    text.expect(':');
    if (name == member && text.next_is('"')) {
      id = text.plain_string();
    } else {
      text.value();
    }
  } while (text.good() && text.take(','));
  text.expect('}');
  return id;
}

// The list at which `text` stands, changed.
std::optional<std::string> splice_list(CanonicalText& text, const Json& delta, std::string_view name) {
  const std::string_view member = id_member(name);
  std::string out = "[";
  const auto separate = [&out] {
    if (out.size() != 1) out += ',';
  };
  const auto add = [&](const Json& object) {
    separate();
    out += to_canonical(object);
  };
  if (member.empty() || !MergeList<decltype(add)>::is_one(delta)) return std::nullopt;
  MergeList merge(delta, member, add);
  text.expect('[');
  if (!text.next_is(']')) {
    do {
      const std::size_t begin = text.at();
      const std::string_view id = step_over(text, member);
      if (!text.good()) return std::nullopt;
      if (!merge.keeps(id)) continue;
      separate();
      out += text.since(begin);
    } while (text.take(','));
  }
  text.expect(']');
  if (!text.good() || !merge.finish(name)) return std::nullopt;
  out += ']';
  return out;
}

std::string join(std::vector<Part>& parts) {
  std::ranges::sort(parts, {}, &Part::name);
  std::size_t size = 2;
  for (const Part& part : parts) size += part.name.size() + part.kept.size() + part.made.size() + 4;
  std::string out;
  out.reserve(size);
  out += '{';
  for (const Part& part : parts) {
    if (out.size() != 1) out += ',';
    append_json_string(out, part.name);
    out += ':';
    out += part.made.empty() ? part.kept : std::string_view(part.made);
  }
  out += '}';
  return out;
}

// The members of a document, in its order. nullopt: it is not canonical.
std::optional<std::vector<Part>> parts_of(std::string_view document) {
  std::vector<Part> out;
  CanonicalText text(document);
  text.expect('{');
  if (!text.take('}')) {
    do {
      const std::string_view name = text.plain_string();
      text.expect(':');
      out.push_back({name, text.value(), {}});
    } while (text.good() && text.take(','));
    text.expect('}');
  }
  if (!text.good() || !text.at_end()) return std::nullopt;
  if (std::ranges::adjacent_find(out, std::ranges::greater_equal(), &Part::name) != out.end()) return std::nullopt;
  return out;
}

// The objects of a list. nullopt: it is none, or is not canonical.
std::optional<std::vector<Item>> items_of(std::string_view list, std::string_view member) {
  std::vector<Item> out;
  CanonicalText text(list);
  text.expect('[');
  if (!text.take(']')) {
    do {
      const std::size_t begin = text.at();
      const std::string_view id = step_over(text, member);
      out.push_back({id, nullptr, text.since(begin)});
    } while (text.good() && text.take(','));
    text.expect(']');
  }
  if (!text.good() || !text.at_end()) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Json> difference_of_texts(std::string_view from, std::string_view to) {
  const auto before = parts_of(from), after = parts_of(to);
  if (!before || !after) return std::nullopt;
  Json lists = Json::object(), whole = Json::object(), without = Json::array();
  auto old = before->begin();
  for (const Part& next : *after) {
    for (; old != before->end() && old->name < next.name; ++old) without.push(old->name);
    const bool known = old != before->end() && old->name == next.name;
    const std::string_view was = known ? (old++)->kept : std::string_view();
    if (was == next.kept) continue;
    const std::string_view member = id_member(next.name);
    std::optional<Json> list;
    if (known && !member.empty() && was.starts_with('[') && next.kept.starts_with('[')) {
      const auto items = items_of(was, member), now = items_of(next.kept, member);
      if (!items || !now) return std::nullopt;
      list = list_difference(*items, *now);
    }
    if (list) {
      lists.set(next.name, std::move(*list));
    } else {
      auto value = parse_json(next.kept);
      if (!value) return std::nullopt;
      whole.set(next.name, std::move(*value));
    }
  }
  for (; old != before->end(); ++old) without.push(old->name);
  Json out = Json::object();
  if (!lists.members().empty()) out.set("lists", std::move(lists));
  if (!whole.members().empty()) out.set("whole", std::move(whole));
  if (!without.items().empty()) out.set("without", std::move(without));
  return out;
}

std::optional<std::string> splice(std::string_view from, const Json& delta) {
  if (!is_delta(delta)) return std::nullopt;
  static const Json kNothing = Json::object();
  const Json* found = delta.find("lists");
  const Json& lists = found != nullptr ? *found : kNothing;
  found = delta.find("whole");
  const Json& whole = found != nullptr ? *found : kNothing;
  const Json::Array& without = list_of(delta, "without");

  std::vector<Part> parts;
  std::size_t left_out = 0, merged = 0;
  CanonicalText text(from);
  text.expect('{');
  if (!text.take('}')) {
    do {
      const std::string_view name = text.plain_string();
      text.expect(':');
      if (!text.good()) return std::nullopt;
      if (leaves(without, name)) {
        text.value();
        ++left_out;
      } else if (const Json* list = lists.find(name)) {
        auto made = splice_list(text, *list, name);
        if (!made) return std::nullopt;
        parts.push_back({name, {}, std::move(*made)});
        ++merged;
      } else if (const std::string_view value = text.value(); !whole.find(name)) {
        parts.push_back({name, value, {}});
      }
    } while (text.good() && text.take(','));
    text.expect('}');
  }
  if (!text.good() || !text.at_end()) return std::nullopt;
  if (left_out != without.size() || merged != lists.members().size()) return std::nullopt;
  for (const Json::Member& member : whole.members()) parts.push_back({member.name, {}, to_canonical(member.value)});
  std::string out = join(parts);
  if (std::ranges::adjacent_find(parts, {}, &Part::name) != parts.end()) return std::nullopt;
  return out;
}

}  // namespace weir::revision
