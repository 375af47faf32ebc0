#include "control/operators/developer_places.h"

#include <algorithm>
#include <set>

namespace weir::control {
namespace {

struct Place {
  std::string path;
  const Json* value;
};

void add_items(std::vector<Place>& out, const std::string& path, const Json& list) {
  if (!list.is_array()) return out.push_back({path, &list});
  for (const Json& item : list.items()) out.push_back({path, &item});
}

std::vector<Place> places(const Json& body) {
  std::vector<Place> out;
  for (const Json::Member& member : body.members()) {
    if (member.name == "plugin_chain") {
      add_items(out, member.name, member.value);
    } else if (member.name == "credentials" && member.value.is_object()) {
      for (const Json::Member& kind : member.value.members())
        add_items(out, member.name + "." + kind.name, kind.value);
    } else {
      out.push_back({member.name, &member.value});
    }
  }
  return out;
}

std::string member_name(const Place& place) { return place.path.substr(place.path.rfind('.') + 1); }

}  // namespace

std::vector<Named> named_anew(const Json* before, const Json& after,
                              std::initializer_list<std::string_view> endings) {
  std::multiset<std::string> known;
  if (before != nullptr)
    for (const Place& place : places(*before)) known.insert(place.path + "\n" + to_canonical(*place.value));
  std::vector<Named> out;
  for (const Place& place : places(after)) {
    if (const auto at = known.find(place.path + "\n" + to_canonical(*place.value)); at != known.end()) {
      known.erase(at);
      continue;
    }
    each_text(
        *place.value,
        [&](std::string_view name, std::string_view text) {
          for (const std::string_view ending : endings)
            if (name.ends_with(ending)) out.push_back({std::string(name), std::string(text)});
        },
        member_name(place));
  }
  return out;
}

}  // namespace weir::control
