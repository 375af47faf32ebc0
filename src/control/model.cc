// The words of model.h: one table per enumeration.
#include "control/model.h"

#include <array>

namespace weir::control {
namespace {

struct KindWords {
  std::string_view one;
  std::string_view many;
};
constexpr std::array<KindWords, kKindCount> kKinds = {{
    {"route", "routes"},
    {"upstream", "upstreams"},
    {"consumer", "consumers"},
    {"group", "groups"},
    {"policy", "policies"},
    {"certificate", "certificates"},
    {"secret", "secrets"},
}};
constexpr std::array<std::string_view, 4> kRoles = {"viewer", "developer", "platform", "auditor"};

}  // namespace

std::string_view word(Kind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)].one; }

std::string_view collection(Kind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)].many; }

std::optional<Kind> kind_of(std::string_view word_or_collection) noexcept {
  for (std::size_t i = 0; i < kKinds.size(); ++i)
    if (word_or_collection == kKinds[i].one || word_or_collection == kKinds[i].many) return static_cast<Kind>(i);
  return std::nullopt;
}

std::string_view word(Role role) noexcept { return kRoles[static_cast<std::size_t>(role)]; }

std::optional<Role> role_of(std::string_view word) noexcept {
  for (std::size_t i = 0; i < kRoles.size(); ++i)
    if (word == kRoles[i]) return static_cast<Role>(i);
  return std::nullopt;
}

}  // namespace weir::control
