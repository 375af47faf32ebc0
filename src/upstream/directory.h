// The table of host names that upstreams use and the addresses last learned for each. The control thread owns it and
// calls poll(); workers hold copies of the addresses, brought to them by the subscriber's posts, and never come here.
// It has no thread and no clock of its own, and does not resolve: ports/name_resolver.h does.
//
// A name's addresses are only ever replaced by others: no such name, an empty answer, a failing or silent server all
// keep the last good ones (faults R21).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/ip.h"
#include "io/loop/clock.h"
#include "ports/name_resolver.h"

namespace weir::upstream {

// How long an answer is taken for true, whatever its TTL: the floor spares the name server, which records with TTL 0
// would have asked all the time; the ceiling bounds how long a gateway sends to a moved service.
inline constexpr std::chrono::seconds kTtlFloor{5};
inline constexpr std::chrono::seconds kTtlCeiling{300};
// After a failure: 1, 2, 4 and then every 5 seconds (the floor).
inline constexpr std::chrono::seconds kFirstRetry{1};
// Of a larger answer the lowest addresses are kept, so that the set is the same each time. Every worker has a pool
// per address; 64 is eight times what a UDP answer usually carries.
inline constexpr std::size_t kAddressesPerName = 64;

class Directory {
 public:
  // Sorted, without repetition, never empty. Valid during the call.
  using Changed = std::function<void(std::string_view name, std::span<const IpAddress> addresses)>;

  struct Counts {
    std::size_t watched = 0;
    std::size_t unresolved = 0;  // never yet had an address
    std::size_t stale = 0;       // have addresses, but the last attempt to renew them failed
    std::uint64_t failures = 0;  // failed attempts since the start
    std::uint64_t changes = 0;
  };

  // `resolver` must outlive the directory. `wake` is called on the resolver's thread when an answer waits to be taken
  // by poll(); it must be callable until the resolver is destroyed.
  explicit Directory(ports::NameResolver& resolver, std::function<void()> wake = [] {});
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory();

  // Told of every name whose set changed, from within poll(). Must not call back into the directory.
  void subscribe(Changed changed) { subscribers_.push_back(std::move(changed)); }

  // Begins to keep the name's addresses at the next poll(). Counted: a name stays until each watch() met its
  // unwatch(), so a reload watches the new configuration's names first and then lets the old one's go. False, and
  // nothing to undo, for an IP literal. Upper and lower case are the same name.
  bool watch(std::string_view name);
  void unwatch(std::string_view name);

  // Takes what has been answered, asks what is due. Returns when it next has something to do by itself; call it
  // earlier after watch() or when woken.
  io::TimePoint poll(io::TimePoint now);

  // Empty when the name is not watched or has never resolved. Valid until the next poll() or unwatch().
  std::span<const IpAddress> addresses(std::string_view name) const;
  // Why the last attempt failed; empty if it did not. Static storage.
  std::string_view last_error(std::string_view name) const;
  Counts counts() const;

 private:
  struct Entry {
    int watchers = 0;
    std::vector<IpAddress> addresses;
    std::string_view error;
    io::TimePoint due = io::TimePoint::min();  // kNever while a query is under way
    std::uint64_t query = 0;                   // its number; 0: none
    std::chrono::seconds retry = kFirstRetry;
  };
  struct Answer {
    std::string name;
    std::uint64_t query;
    Result<ports::Addresses> result;
  };
  struct Inbox {
    std::mutex mutex;
    std::vector<Answer> answers;  // guarded by mutex
    std::function<void()> wake;
  };

  void take(Answer& answer, io::TimePoint now);
  void ask(const std::string& name, Entry& entry);
  void schedule(const std::string& name, Entry& entry, io::TimePoint due);

  ports::NameResolver& resolver_;
  // Why: shared with the queries under way, which may be answered after the directory is gone.
  const std::shared_ptr<Inbox> inbox_;
  std::unordered_map<std::string, Entry> entries_;
  std::set<std::pair<io::TimePoint, std::string>> due_;
  std::vector<Changed> subscribers_;
  std::uint64_t last_query_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t changes_ = 0;
};

}  // namespace weir::upstream
