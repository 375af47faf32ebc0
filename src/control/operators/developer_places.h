// The places of an object that are judged as a whole, because what stands beside a name decides what is done with it:
// where a secret is sent stands beside the secret. For developer*.cc only. Pure; any thread.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/json.h"

namespace weir::control {

struct Named {
  std::string member;  // "client_secret_name"
  std::string value;
};
// What members whose name has such an ending say, in places of `after` that are not in `before` byte by byte. A place
// is an entry of plugin_chain, a credential, or any other member of the body. Each of `before` answers for one of
// `after`.
std::vector<Named> named_anew(const Json* before, const Json& after, std::initializer_list<std::string_view> endings);

// Every text in `value` with the name of the member it stands in, itself or in a list.
template <class Visit>
void each_text(const Json& value, const Visit& visit, std::string_view name = {}) {
  if (value.is_string()) visit(name, value.as_string());
  for (const Json& item : value.items()) each_text(item, visit, name);
  for (const Json::Member& member : value.members()) each_text(member.value, visit, member.name);
}

}  // namespace weir::control
