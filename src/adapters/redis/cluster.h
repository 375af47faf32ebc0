// A Redis Cluster as one client sees it: who has which slot, a link to each master, and the task that keeps the map.
// Made by client.cc. The map changes at once where MOVED says so and as a whole by CLUSTER SLOTS, which is asked for
// when something did not fit and now and then. The loop's thread only.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "adapters/redis/slot.h"
#include "adapters/redis/wire/link.h"

namespace weir::adapters::redis {

// "MOVED 3999 127.0.0.1:6381", "ASK 3999 ...": who has the slot, or for this one command only.
struct Redirect {
  bool ask = false;
  std::uint16_t slot = 0;
  Place place;
};
// `from`: who answered so; its host is meant where none is given.
std::optional<Redirect> parse_redirect(std::string_view error, const Place& from);

class Cluster {
 public:
  explicit Cluster(Shared& shared);
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;
  ~Cluster();  // after ended()

  // nullptr: nobody is known to have it. An empty key: any node.
  Link* route(std::string_view key) const noexcept;
  Link* follow(const Redirect& redirect);
  bool usable() const noexcept;
  std::string last_error() const;  // of one node that is away; empty: none is

  // Something did not fit: ask for the map soon.
  void doubt() noexcept;

  void end();
  bool ended() const noexcept;

 private:
  // A node each, found by its address. 1000 nodes are the most Redis Cluster is made for.
  static constexpr std::size_t kNodes = 1000;
  static constexpr std::uint16_t kNobody = 0xffff;

  struct Node final : Guide {
    explicit Node(Place where) : place(std::move(where)) {}
    io::Task<std::expected<Place, std::string>> where() override { co_return place; }
    Place place;
    std::unique_ptr<Link> link;
    bool masters = false;  // has slots
  };

  std::uint16_t node_at(const Place& place);
  io::Task<void> keep_map();
  io::Task<bool> learn_from(Link& link);
  bool apply(const Reply& slots, const Place& from);
  void add_seeds();
  void forget_retired();

  Shared& shared_;
  std::vector<std::unique_ptr<Node>> nodes_;  // by number; nullptr: a free number
  std::vector<std::unique_ptr<Node>> retired_;
  std::array<std::uint16_t, kSlots> owners_;  // by slot, a number
  std::size_t next_ = 0;                      // whom to ask for the map
  bool ending_ = false;
  io::Bell bell_;
  io::TaskGroup tasks_;
};

}  // namespace weir::adapters::redis
