// What of the limits survives a restart: the quotas counted in this process, and how many instances there were. A
// file `quotas` in state_dir, written whole, synced and renamed into place by a thread of its own: every kEvery if
// anything changed, and at the end. Read once, before the first request.
//
// Bound: a process that is killed forgets what it counted since the last write began, kEvery and the time of a write
// (tens of milliseconds for 10^5 quotas): so many requests may be admitted a second time. One that ends forgets
// nothing. A file that is damaged (its sum does not match) is set aside as `quotas.damaged` and counts begin anew.
#pragma once

#include <condition_variable>
#include <expected>
#include <mutex>
#include <string>
#include <thread>

#include "limits/instances.h"
#include "limits/local_store.h"

namespace weir::limits {

class QuotaFile {
 public:
  static constexpr auto kEvery = std::chrono::seconds(2);

  // `local` and `instances` outlive it.
  QuotaFile(LocalStore& local, Instances& instances) noexcept : local_(local), instances_(instances) {}
  QuotaFile(const QuotaFile&) = delete;
  QuotaFile& operator=(const QuotaFile&) = delete;
  ~QuotaFile();  // writes the last time

  // Makes the folder if it is missing, reads the file if it is there, and begins to keep it. The error is a sentence;
  // a damaged file is none, but `warning` says so.
  std::expected<void, std::string> open(const std::string& directory, std::string& warning);
  // Another process takes the file over: writes it a last time, and never again. What is counted here after that is
  // forgotten: requests that this process still ends.
  std::expected<void, std::string> let_go();
  void take_again();  // nobody has taken it over
  // Writes that failed, and the last reason; for people. Any thread.
  std::string last_error();

 private:
  void run();
  std::expected<void, std::string> save();  // holding saving_, or before the thread runs
  std::expected<void, std::string> save_if_changed();

  LocalStore& local_;
  Instances& instances_;
  std::string directory_;
  std::uint64_t saved_changes_ = 0;
  std::uint32_t saved_instances_ = 0;
  std::mutex saving_;    // held while the file is written
  bool let_go_ = false;  // guarded by saving_
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;     // guarded by mutex_
  std::string last_error_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace weir::limits
