// The nouns of the control plane: what operators edit and what is kept of it. Plain values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/json.h"
#include "revision/signed.h"

namespace weir::control {

enum class Kind : std::uint8_t { route, upstream, consumer, group, policy, certificate, secret };
inline constexpr int kKindCount = 7;

std::string_view word(Kind kind) noexcept;        // "route"
std::string_view collection(Kind kind) noexcept;  // "routes": in the API's paths
std::optional<Kind> kind_of(std::string_view word_or_collection) noexcept;

// One object of the draft. `body` has the form it has in a config file (a route's has route_id and tags), so `name`
// and `tags` are copies for searching.
struct Object {
  Kind kind = Kind::route;
  std::string name{};
  Json body{};
  std::vector<std::string> tags{};
  std::uint64_t version = 0;    // number of the change that wrote it: the store's, unique over all objects and times
  std::int64_t updated_at = 0;  // milliseconds since the epoch
  std::string updated_by{};     // operator
};

// A published revision, without its document (store.h gives that apart: it may be megabytes).
struct RevisionInfo {
  std::uint64_t number = 0;
  std::string digest{};
  std::int64_t made_at = 0;  // seconds since the epoch
  std::string made_by{};     // operator
  std::string message{};
  std::uint64_t rolled_back_to = 0;  // the number whose document it repeats; 0: none
  Json changes{};                    // {added, changed, removed}: counts
};

enum class Role : std::uint8_t { viewer, developer, platform, auditor };
std::string_view word(Role role) noexcept;
std::optional<Role> role_of(std::string_view word) noexcept;

struct Operator {
  struct Token {
    std::string id{};
    std::string hash{};        // SHA-256 of the secret, hex
    std::int64_t created = 0;  // seconds; so are the others
    std::int64_t expires = 0;  // 0: never
    std::int64_t last_used = 0;
  };
  std::string name{};
  Role role = Role::viewer;
  std::vector<std::string> teams{};  // of a developer: may write what carries the tag team:NAME
  bool disabled = false;
  std::vector<Token> tokens{};
  std::uint64_t version = 0;
};

// One line of the audit log; the chain is audit.h's.
struct AuditEntry {
  std::uint64_t seq = 0;  // from 1, without gaps
  std::int64_t at_ms = 0;
  std::string actor{};   // the operator, or "system"
  std::string from{};    // the client's address, or ""
  std::string action{};  // "put", "delete", "publish", "rollback", "login_failed", ...
  std::string kind{};    // what it was done to
  std::string name{};
  Json before{};               // null: it was not there
  Json after{};                // null: it is gone
  std::uint64_t revision = 0;  // of publish and rollback
  std::string previous{};      // hash of the entry before; of the first 64 zeros
  std::string hash{};
};

// The answer to a request that carried an Idempotency-Key.
struct Remembered {
  std::string actor{};
  std::string key{};
  std::string request{};  // SHA-256 of method, target and body, hex
  int status = 0;
  std::string body{};
  std::string etag{};
  std::string location{};
  std::int64_t at_ms = 0;
};

}  // namespace weir::control
