// All upstreams of one worker, by key: the name and what a connection to it depends on. Leases of snapshots enter and
// leave; an upstream lives while any lease has it, and keeps its connections from one revision to the next. The
// worker's thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "upstream/upstream.h"

namespace weir::upstream {

class Registry {
 public:
  explicit Registry(io::Loop& loop) noexcept : loop_(loop) {}

  // The upstreams of a snapshot, in its order; made or reconciled as needed. Call leave() with the result in the end.
  std::vector<Upstream*> enter(const std::vector<pipeline::UpstreamSpec>& specs);
  void leave(const std::vector<Upstream*>& upstreams);

  // What the directory has learned; also remembered for upstreams to come.
  void resolved(const std::string& host, std::vector<IpAddress> addresses);

  void abort() noexcept {
    for (auto& [key, entry] : entries_) entry.upstream->abort();
  }

  template <class F>
  void for_each(F each) const {
    for (const auto& [key, entry] : entries_) each(*entry.upstream);
  }

 private:
  struct Entry {
    std::unique_ptr<Upstream> upstream;
    std::size_t leases = 0;
  };
  void apply_addresses(Upstream& upstream);

  io::Loop& loop_;
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::vector<IpAddress>> addresses_;
};

}  // namespace weir::upstream
