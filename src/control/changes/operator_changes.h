// Making, changing and removing operators and their tokens, with their lines in the audit log; the first one is made
// by bootstrap(). Used by the admin API (inside transact()) and by app/. Blocking; one thread.
#pragma once

#include "control/changes/changes.h"
#include "control/objection.h"
#include "control/operators/operators.h"

namespace weir::control {

// What a request may say of an operator; nullopt: as it was.
struct OperatorWish {
  std::optional<Role> role{};
  std::optional<std::vector<std::string>> teams{};
  std::optional<bool> disabled{};
};

class OperatorChanges {
 public:
  OperatorChanges(StoreWriter& writer, const Author& author) : writer_(writer), author_(author) {}

  // Objections: forbidden, invalid, exists, absent, stale, unconditional.
  Agreed<Operator> create(std::string_view name, const OperatorWish& wish);
  // Never the last enabled platform engineer's role or disabling: invalid.
  Agreed<Operator> change(std::string_view name, const OperatorWish& wish, Expected expected = {Expected::Kind::any});
  Agreed<void> remove(std::string_view name, Expected expected = {Expected::Kind::any});
  // Everybody may make tokens for themselves; for others those who manage operators. Made with a token that expires,
  // it ends no later: unless said when, then; said later, invalid. Else whoever finds an old token has one for ever.
  Agreed<IssuedToken> add_token(std::string_view name, std::int64_t expires = 0);  // seconds; 0: never
  Agreed<void> remove_token(std::string_view name, std::string_view id);

 private:
  Agreed<Operator> existing(std::string_view name, Expected expected);
  Agreed<void> keep_one_platform(std::string_view without);
  Agreed<void> write(std::string_view action, const Operator* before, Operator& after);

  StoreWriter& writer_;
  const Author& author_;
};

// For the API and the audit log: {name, role, teams, disabled, tokens: [{id, created, expires?, last_used?}]}, times
// in seconds; no hashes.
Json to_json(const Operator& who);

// Without any operator: makes `admin` (platform), and gives its token, which is to be printed once. nullopt: there
// are operators.
Agreed<std::optional<std::string>> bootstrap(Store& store);

}  // namespace weir::control
