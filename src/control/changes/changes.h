// Changes of the draft, each with its permission, its check and its line in the audit log. Used by the admin API and
// by seeding; inside one transact() (control/objection.h), so that several, and a publication behind them, are done
// or undone together. What an object means beside the others is not judged here: publish.h's check() does. Blocking;
// one thread.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/audit.h"
#include "control/checks/rules.h"
#include "control/objection.h"
#include "control/operators/developer.h"

namespace weir::control {

// Who changes something, from where, and when.
struct Author {
  Operator who{};
  std::string from{};  // the client's address
  std::int64_t at_ms = 0;
  std::int64_t token_ends = 0;  // seconds; 0: the token they came with never expires
};
// The process itself: seeding, bootstrap. May do everything.
Author system_author();
std::int64_t now_ms() noexcept;

// The version a change is meant for (If-Match, If-None-Match).
struct Expected {
  enum class Kind : std::uint8_t {
    unsaid,   // fine for what is new; Objection unconditional for what is there
    any,      // whatever is there, or not
    absent,   // it must be new: else exists (If-None-Match: *, POST)
    present,  // it must be there (If-Match: *)
    version,  // exactly this one: else stale
  };
  Kind kind = Kind::unsaid;
  std::uint64_t version = 0;
};

struct Changed {
  enum class What : std::uint8_t { created, replaced, removed, unchanged };
  What what = What::unchanged;
  Object object;  // as it is now; removed: as it was
};

struct Operation {
  bool remove = false;
  Kind kind = Kind::route;
  std::string name;
  Json body{};
  std::optional<std::uint64_t> if_version{};  // 0: it must be new; nullopt: whatever
};

class Draft {
 public:
  // All must outlive it. `author.who` must not be disabled. `keys` is asked when a developer takes a name.
  Draft(StoreWriter& writer, const Rules& rules, const Author& author, AskKeyClaims keys = {})
      : writer_(writer), rules_(rules), author_(author), keys_(std::move(keys)) {}

  // Creates or replaces. The body's name must be `name`; a body without one gets it. A body equal to what is there
  // changes nothing: neither the version nor the audit log.
  Agreed<Changed> put(Kind kind, std::string_view name, Json body, Expected expected = {});
  // RFC 7396; absent if it is not there.
  Agreed<Changed> patch(Kind kind, std::string_view name, const Json& merge_patch, Expected expected = {});
  // Absent if it is not there, unless anything is expected.
  Agreed<Changed> remove(Kind kind, std::string_view name, Expected expected = {});

  // Puts the filter into the object's plugin_chain, in place of one of the same name or at the end. A null config:
  // without one. Kind::policy: for all requests, `name` is not looked at.
  Agreed<Changed> attach(Kind kind, std::string_view name, std::string_view filter, Json config,
                         Expected expected = {Expected::Kind::any});
  Agreed<Changed> detach(Kind kind, std::string_view name, std::string_view filter,
                         Expected expected = {Expected::Kind::any});

  // In order; all findings of all operations come together. `prune`: what no operation put is removed, of what the
  // author may remove.
  Agreed<std::vector<Changed>> batch(std::span<const Operation> operations, bool prune);

  // The draft becomes these objects exactly; bodies are taken as they are. For rollback, discard and seeding.
  Agreed<std::vector<Changed>> replace_all(std::vector<Object> objects);

 private:
  // Many changes in a row: nothing is asked of the store twice. Forgotten behind them, since others write too then.
  class Large {
   public:
    explicit Large(Draft& draft) : draft_(draft) { draft_.tail_.keep = true; }
    Large(const Large&) = delete;
    Large& operator=(const Large&) = delete;
    ~Large() {
      draft_.known_.reset();
      draft_.tail_ = {};
    }

   private:
    Draft& draft_;
  };
  Agreed<std::optional<Object>> find(Kind kind, std::string_view name);
  Agreed<void> know_all();
  Agreed<Changed> write(Kind kind, std::string_view name, std::optional<Object> before, Json body);
  Agreed<void> permit(Kind kind, std::string_view name, const Json* before, const Json* after);
  Surroundings surroundings();
  Agreed<Changed> store(Kind kind, std::string_view name, const std::optional<Object>& before, Json body);
  Agreed<Changed> erase(const Object& before);
  Agreed<void> prune(std::span<const Operation> operations, std::vector<Changed>& done);
  Agreed<void> note(std::string_view action, Kind kind, std::string_view name, const Json* before, const Json* after);

  StoreWriter& writer_;
  const Rules& rules_;
  const Author& author_;
  AskKeyClaims keys_;
  std::optional<std::map<std::pair<Kind, std::string>, Object>> known_{};
  AuditTail tail_{};
};

}  // namespace weir::control
