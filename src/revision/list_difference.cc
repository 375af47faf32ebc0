#include "revision/list_difference.h"

#include <algorithm>
#include <unordered_set>

namespace weir::revision {
namespace {

using Items = std::span<const Item>;

bool all_named(Items list) {
  return std::ranges::none_of(list, [](const Item& item) { return item.id.empty(); });
}

// None twice as well.
bool sorted(Items list) {
  return std::ranges::adjacent_find(list, [](const Item& a, const Item& b) { return a.id >= b.id; }) == list.end();
}

bool unique(Items list) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(list.size());
  return std::ranges::all_of(list, [&](const Item& item) { return seen.insert(item.id).second; });
}

struct Delta {
  Json::Array gone, put, fresh;

  Json json() && {
    Json out = Json::object();
    if (!gone.empty()) out.set("gone", Json(std::move(gone)));
    if (!fresh.empty()) out.set("new", Json(std::move(fresh)));
    if (!put.empty()) out.set("put", Json(std::move(put)));
    return out;
  }
};

// Both sorted: one walk over the two.
Delta merge(Items from, Items to) {
  Delta out;
  auto a = from.begin();
  auto b = to.begin();
  while (a != from.end() || b != to.end()) {
    const int order = a == from.end() ? 1 : b == to.end() ? -1 : a->id.compare(b->id);
    if (order < 0) {
      out.gone.emplace_back((a++)->id);
    } else if (order > 0) {
      out.fresh.push_back((b++)->json());
    } else {
      if (!a->same_as(*b)) out.put.push_back(b->json());
      ++a;
      ++b;
    }
  }
  return out;
}

// In an order of its own: only what left and what changed in its place can be told. False: there is more to it.
bool in_place(Items from, Items to, Delta& out) {
  if (!unique(from)) return false;
  auto b = to.begin();
  for (const Item& a : from) {
    if (b == to.end() || a.id != b->id) {
      out.gone.emplace_back(a.id);
    } else {
      if (!a.same_as(*b)) out.put.push_back(b->json());
      ++b;
    }
  }
  return b == to.end();
}

}  // namespace

Json Item::json() const {
  if (value != nullptr) return *value;
  auto parsed = parse_json(text);
  return parsed ? std::move(*parsed) : Json();
}

std::optional<Json> list_difference(std::span<const Item> from, std::span<const Item> to) {
  if (!all_named(from) || !all_named(to)) return std::nullopt;
  if (sorted(from) && sorted(to)) return merge(from, to).json();
  Delta out;
  if (!in_place(from, to, out)) return std::nullopt;
  return std::move(out).json();
}

}  // namespace weir::revision
