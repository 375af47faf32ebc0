// Operators: who they are by their token, and what each role may do. ONE table says it (operators.cc). Used by the
// admin API on every request and by control/changes/changes.h for every object. Making and changing operators is
// control/changes/operator_changes.h's. Blocking where it takes a store; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "control/store.h"

namespace weir::control {

enum class Action : std::uint8_t {
  read,            // objects, draft, revisions, instances, filters
  write,           // put and remove an object: by kind
  publish,         //
  rollback,        // also discard: they change what belongs to others
  manage_keys,     // API keys of a consumer: as writing it
  read_operators,  //
  manage_operators,
  read_audit,  // also verify
};
enum class Reach : std::uint8_t { no, own_team, yes };

// `kind` is for Action::write and looked at there only.
Reach reach(Role role, Action action, Kind kind = Kind::route) noexcept;
// Yes or own_team: whether at all. Nothing is allowed to one who is disabled.
bool may(const Operator& who, Action action, Kind kind = Kind::route) noexcept;

// Whether the change of an object is theirs to make: before and after, where there is one, must carry a tag team:T of
// one of their teams, and what a developer may say in it is limited too (developer.h: this is the part that needs no
// other objects). nullopt: yes; else a sentence.
std::optional<std::string> refuse_write(const Operator& who, Kind kind, std::string_view name, const Json* before,
                                        const Json* after);
// Whether this very object is theirs to change.
bool may_write(const Operator& who, Kind kind, const Json& body);
bool is_of_a_team(const Operator& who, const Json& body) noexcept;

// "weirop_<id>_<secret>": 12 digits of base 62 to find it by, 43 (256 bits) that nobody guesses.
struct TokenText {
  std::string_view id;
  std::string_view secret;
};
std::optional<TokenText> parse_token(std::string_view text) noexcept;  // views into `text`

struct IssuedToken {
  std::string text;  // shown once, kept nowhere
  Operator::Token token;
};
IssuedToken issue_token(std::int64_t now, std::int64_t expires = 0);  // seconds; 0: never

// Whose token it is; nullopt: it does not hold (unknown, wrong, expired, its operator disabled: the caller does not
// learn which). Takes as long for a wrong secret whatever it is.
struct Authenticated {
  Operator who;
  std::string token_id;
  std::int64_t token_ends = 0;  // seconds; 0: never
};
StoreResult<std::optional<Authenticated>> authenticate(StoreView& view, std::string_view token, std::int64_t now);

}  // namespace weir::control
