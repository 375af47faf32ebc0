// The data plane of this process: its workers, their sockets, and the change from one snapshot to the next. Lives on
// the control thread (app/serve/serve.cc), whose loop runs its coroutines; the workers are only ever posted to.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/metrics.h"
#include "gateway/sockets.h"
#include "gateway/worker.h"
#include "io/loop/loop.h"
#include "snapshot/snapshot.h"
#include "upstream/directory.h"

namespace weir::gateway {

class Gateway {
 public:
  Gateway(io::Loop& control, upstream::Directory& directory, std::unique_ptr<LogFile> log, int workers,
          const Attach& attach = {});
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  ~Gateway();  // stops the workers

  // Makes `snapshot` the one in use, the first time or the next: opens new sockets, waits a moment for host names
  // never resolved before, swaps on every worker, closes what is no longer listened on. Returns when every worker has
  // swapped. On failure everything stays as it was; a sentence says why.
  io::Task<std::expected<void, std::string>> apply(std::shared_ptr<const snapshot::Snapshot> snapshot,
                                                   InheritedSockets& inherited);

  // Stops accepting and waits until all connections have ended, `timeout` at most; then cuts the rest. Returns how
  // many were cut.
  io::Task<std::size_t> drain(io::Duration timeout);
  // Before that: every response from now on ends its connection, new ones are still accepted.
  io::Task<void> stop_keeping_alive();

  // The counters of all workers, added up. Workers that do not answer within `patience` are left out; `silent` says
  // how many.
  struct Measured {
    Metrics sum;
    int silent = 0;
  };
  io::Task<Measured> measure(io::Duration patience);

  // Posts `message` to every worker and waits for none.
  void tell(const std::function<void(Worker&)>& message);

  const std::shared_ptr<const snapshot::Snapshot>& current() const noexcept { return current_; }
  LogFile* log() noexcept { return log_.get(); }
  int workers() const noexcept { return static_cast<int>(workers_.size()); }
  // Every listening socket's descriptor, for the process that takes over.
  std::vector<int> sockets() const;
  // Where the listener of that address in the config really listens: port 0 is a port that the kernel chose.
  SocketAddress bound(const SocketAddress& address) const;

 private:
  io::Task<void> resolve_new_names(const snapshot::Snapshot& snapshot);
  // Runs `message` on every worker; returns when all have, or after `patience`; how many have not.
  io::Task<int> on_all(std::function<void(Worker&)> message, io::Duration patience);
  void share_addresses(std::string_view name, std::span<const IpAddress> addresses);

  io::Loop& control_;
  upstream::Directory& directory_;
  std::unique_ptr<LogFile> log_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<OpenListener> listeners_;
  std::uint32_t next_listener_ = 1;
  std::shared_ptr<const snapshot::Snapshot> current_;
};

}  // namespace weir::gateway
