// One worker: a thread, its loop, and everything that serves on it. Workers share nothing but the snapshot; the
// gateway talks to one only through post(). Made and started by gateway.cc.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "gateway/log_file.h"
#include "gateway/metrics.h"
#include "http/server.h"
#include "io/loop/loop.h"
#include "pipeline/exchange.h"
#include "pipeline/kept.h"
#include "snapshot/snapshot.h"
#include "upstream/registry.h"

namespace weir::gateway {

// What app/ attaches to a worker: the adapters behind its Services. Made and destroyed on the worker's thread; may
// keep tasks running on the loop, which end when it is told to.
class Attachments {
 public:
  virtual ~Attachments() = default;
  virtual const pipeline::Services& services() const noexcept = 0;
  // Begin to end what runs on the loop; ended() once nothing does.
  virtual void end() = 0;
  virtual bool ended() const noexcept = 0;
};
using Attach = std::function<std::unique_ptr<Attachments>(io::Loop& loop, int worker)>;

class Worker final : public http::Handler {
 public:
  // `attach` is called on the worker's thread; empty: no services.
  Worker(LogFile* log, int index, Attach attach = {});
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() override;  // after stop()

  void start();
  // Any thread: `message` runs on the worker's thread.
  void post(std::move_only_function<void(Worker&)> message);
  // Ends the thread; connections still open are cut.
  void stop();

  // ---- the worker's thread only

  // From the next request on. What is under way ends under the snapshot it began with.
  void install(std::shared_ptr<const snapshot::Snapshot> snapshot);
  http::Server& server() noexcept { return server_; }
  upstream::Registry& upstreams() noexcept { return upstreams_; }
  LogBuffer& log() noexcept { return log_; }
  Attachments* attachments() noexcept { return attachments_.get(); }  // nullptr: none were attached
  Metrics measure() const;

  io::Task<void> handle(http::ServerExchange& wire) override;

 private:
  // A snapshot in use here, with what hangs on it. Lives until it is replaced and its last exchange has ended.
  struct Active {
    std::shared_ptr<const snapshot::Snapshot> snapshot;
    pipeline::Lease lease;
    std::vector<RouteMetrics*> route_metrics;  // by Route::index
    std::vector<UpstreamMetrics*> upstream_metrics;
    std::vector<LimitMetrics*> limit_metrics;  // by RateLimit::index
    std::size_t exchanges = 0;
  };
  void record(const pipeline::Exchange& exchange, Active& active);
  static void count_limits(const pipeline::Limited& limited, const Active& active);
  void forget_unused();
  void forget_metrics();
  void end_attachments();

  int index_;
  io::Loop loop_;
  http::BufferPool buffers_;
  upstream::Registry upstreams_;
  pipeline::Kept kept_;
  LogBuffer log_;
  Metrics metrics_;
  RouteMetrics* no_route_;
  std::vector<std::unique_ptr<Active>> actives_;  // the last one serves
  http::Server server_;
  Attach attach_;
  std::unique_ptr<Attachments> attachments_;  // the worker's thread
  std::thread thread_;
};

}  // namespace weir::gateway
