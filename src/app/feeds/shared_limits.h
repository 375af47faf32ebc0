// What limits have in common in this process: the tables all workers share, the file that survives a restart, the
// heartbeat, and whether Redis is away. Lives on the control thread; the tables are anybody's.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "adapters/redis/client.h"
#include "adapters/redis/limits/heartbeat.h"
#include "gateway/metrics.h"
#include "io/loop/bell.h"
#include "limits/quota_file.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class SharedLimits {
 public:
  using Say = std::function<void(const std::string&)>;
  SharedLimits(io::Loop& control, ports::NameResolver* resolver, Say say);
  SharedLimits(const SharedLimits&) = delete;
  SharedLimits& operator=(const SharedLimits&) = delete;
  ~SharedLimits();  // after run() has ended

  // Takes up what the config says: the state_dir, once; Redis, whenever it is another. The error is a sentence.
  std::expected<void, std::string> follow(const snapshot::Snapshot& config);
  // Waits a moment for Redis, so that the first requests are not decided without it.
  io::Task<void> settle();
  // Until end(): forgets what is over, says when Redis is away and when it is back.
  io::Task<void> run();
  void end();
  // A successor is about to start: it reads what is written now, and this process writes no more.
  void hand_over();
  void take_again() { file_.take_again(); }  // it did not start

  // Any thread: whether `source` (a worker's number, or kControl) can ask Redis.
  void told(int source, bool available, std::string why);
  static constexpr int kControl = -1;

  void fill(gateway::InstanceFacts& facts) const;

  limits::LocalStore local;
  limits::Instances instances;
  const adapters::redis::RateScripts scripts;

 private:
  struct Beat;
  void replace(std::shared_ptr<const ports::RedisSettings> settings);
  io::Task<void> retire(std::unique_ptr<Beat> beat);
  void note(int source, bool available, const std::string& why);

  io::Loop& control_;
  ports::NameResolver* resolver_;
  Say say_;
  std::string id_;
  limits::QuotaFile file_{local, instances};
  std::string state_dir_;
  std::string file_error_;
  std::unique_ptr<Beat> beat_;
  io::TimePoint connecting_since_{};
  bool shared_ = false;  // some limit of the config is kept in Redis
  std::set<int> away_;
  bool ended_ = false;
  io::Bell bell_;
  io::TaskGroup tasks_;
};

}  // namespace weir::app
