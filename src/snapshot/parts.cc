#include "snapshot/parts.h"

#include <algorithm>
#include <charconv>

namespace weir::snapshot {
namespace {

// "routes" + "[12].timeout" of "routes[12].timeout"; nothing if it is no item of a list.
struct Place {
  std::string_view list;
  std::size_t index = 0;
  std::string_view below;
};

bool parse(std::string_view path, Place& out) {
  const std::size_t open = path.find('[');
  const std::size_t close = path.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return false;
  out.list = path.substr(0, open);
  const auto read = std::from_chars(path.data() + open + 1, path.data() + close, out.index);
  if (read.ec != std::errc() || read.ptr != path.data() + close) return false;
  out.below = path.substr(close + 1);
  if (out.below.starts_with('.')) out.below.remove_prefix(1);
  return true;
}

std::string_view name_of(const Json& item) {
  if (item.is_string()) return item.as_string();
  for (const std::string_view member : {"route_id", "name"})
    if (const Json* name = item.find(member)) return name->as_string();
  return {};
}

std::string_view kind_of(std::string_view list) {
  if (list == "plugin_chain") return "policy";
  return list.substr(0, list.size() - 1);
}

}  // namespace

bool is_published_part(std::string_view member) noexcept {
  return std::ranges::find(kPublishedParts, member) != kPublishedParts.end();
}

Parts split(const Json& file) {
  Parts out{Json::object(), Json::object()};
  for (const Json::Member& member : file.members()) {
    const bool published = is_published_part(member.name);
    if (published && member.value.is_array() && member.value.items().empty()) continue;
    (published ? out.document : out.instance).set(member.name, member.value);
  }
  return out;
}

Json merge(const Json& instance, const Json& document) {
  Json out = split(instance).instance;
  for (const std::string_view part : kPublishedParts)
    if (const Json* value = document.find(part)) out.set(part, *value);
  return out;
}

std::string describe_published(const Json& document, const Problem& problem) {
  std::string out;
  std::string_view rest = problem.path;
  if (Place place; parse(problem.path, place) && is_published_part(place.list)) {
    const Json* list = document.find(place.list);
    const std::string_view name =
        list != nullptr && place.index < list->items().size() ? name_of(list->items()[place.index]) : "";
    if (!name.empty()) {
      out = std::string(kind_of(place.list)) + " \"" + std::string(name) + "\": ";
      rest = place.below;
    }
  }
  if (!rest.empty()) out += std::string(rest) + ": ";
  out += problem.message;
  if (!problem.hint.empty()) out += "; " + problem.hint;
  return out;
}

}  // namespace weir::snapshot
