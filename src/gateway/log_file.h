// The access log on disk: workers hand over whole batches of lines, a thread of its own writes them, so that a slow
// disk is never felt by a request. At most once: what is still in memory when the process is killed is lost, and what
// the disk does not take in time is dropped and counted. Reopened on reload, for logrotate.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <expected>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "io/loop/loop.h"
#include "ports/log_sink.h"

namespace weir::gateway {

class LogFile {
 public:
  // "-": standard output. Directories are made. On failure a sentence for a person.
  static std::expected<std::unique_ptr<LogFile>, std::string> open(std::string path);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();  // writes what is there

  // Any thread. Lines with their newlines; `records` of them. Gives back an empty string to fill next, with the
  // memory of a batch already written if there is one.
  std::string write(std::string batch, std::uint64_t records);
  // Any thread: open `path` anew before the next batch. The old file stays in use if that fails.
  void reopen(std::string path);
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Batch {
    std::string lines;
    std::uint64_t records;
  };
  // Some 200,000 records: what two workers at full speed log in two seconds.
  static constexpr std::size_t kMostBytes = 64 * 1024 * 1024;
  // Batches' memory kept for reuse: one being filled and one being written for each of four workers.
  static constexpr std::size_t kSpares = 8;

  LogFile(std::string path, int fd);
  void run();
  bool write_all(const std::string& lines) noexcept;

  int fd_;
  std::string path_;
  std::atomic<std::uint64_t> dropped_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Batch> queue_;  // guarded by mutex_, as are the next four
  std::size_t queued_bytes_ = 0;
  std::vector<std::string> spare_;
  std::string reopen_;
  bool stopping_ = false;
  std::thread thread_;
};

// One worker's end of the log: collects lines and hands them over by size or age.
class LogBuffer final : public ports::LogSink {
 public:
  LogBuffer(io::Loop& loop, LogFile* file) noexcept : loop_(loop), file_(file), timer_(*this) {}
  ~LogBuffer() override { hand_over(); }
  void append(std::string_view record) override;
  void hand_over();

 private:
  // A batch is one write(); beyond 64 KiB nothing is gained. 100 ms is as long as `tail -f` may lag.
  static constexpr std::size_t kBatch = 64 * 1024;
  static constexpr auto kAge = std::chrono::milliseconds(100);
  struct AgeTimer : io::Timer {
    explicit AgeTimer(LogBuffer& owner) noexcept
        : Timer([](io::Timer& timer) { static_cast<AgeTimer&>(timer).owner.hand_over(); }), owner(owner) {}
    LogBuffer& owner;
  };
  io::Loop& loop_;
  LogFile* file_;
  std::string lines_;
  std::uint64_t records_ = 0;
  AgeTimer timer_;
};

}  // namespace weir::gateway
