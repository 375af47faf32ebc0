#include "control/api/state/login_notes.h"

#include <pthread.h>

#include <chrono>
#include <system_error>
#include <utility>

#include "control/audit.h"

namespace weir::control::api {
namespace {

// A store that is away is asked again; each try may take kStorePatience by itself.
constexpr auto kAgain = std::chrono::seconds(1);

}  // namespace

LoginNotes::~LoginNotes() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  more_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LoginNotes::failed(std::string from, std::int64_t at_ms) {
  const std::lock_guard lock(mutex_);
  if (failures_.size() >= kMostFailures || !begin()) return counts_.note_dropped();
  failures_.push_back({std::move(from), at_ms});
  more_.notify_all();
}

void LoginNotes::used(const std::string& token_id, std::int64_t at) {
  const std::lock_guard lock(mutex_);
  if (!begin()) return;
  uses_.insert_or_assign(token_id, at);
  more_.notify_all();
}

void LoginNotes::settle() {
  std::unique_lock lock(mutex_);
  tried_.wait(lock, [this] { return !trying_ && (failing_ || (failures_.empty() && uses_.empty())); });
}

// With the lock. False: the system has no thread for it.
bool LoginNotes::begin() {
  if (thread_.joinable()) return true;
  try {
    thread_ = std::thread([this] { serve(); });
  } catch (const std::system_error&) {  // EAGAIN
    return false;
  }
  pthread_setname_np(thread_.native_handle(), "weir-logins");
  return true;
}

void LoginNotes::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    more_.wait(lock, [this] { return ending_ || !failures_.empty() || !uses_.empty(); });
    if (ending_ && ((failures_.empty() && uses_.empty()) || failing_)) return;
    trying_ = true;
    const std::deque<Failure> failures = failures_;
    const std::map<std::string, std::int64_t> uses = std::exchange(uses_, {});
    lock.unlock();
    const bool written = failures.empty() || write(failures);
    for (const auto& [token, at] : uses)
      if (written) (void)store_.note_token_use(token, at);
    lock.lock();
    if (written) failures_.erase(failures_.begin(), failures_.begin() + std::ssize(failures));
    trying_ = false;
    failing_ = !written;
    tried_.notify_all();
    if (failing_) more_.wait_for(lock, kAgain, [this] { return ending_; });
  }
}

bool LoginNotes::write(const std::deque<Failure>& failures) {
  const auto done = store_.write([&](StoreWriter& writer) -> StoreResult<void> {
    AuditTail tail{.keep = true};
    for (const Failure& each : failures) {
      AuditEntry entry;
      entry.at_ms = each.at_ms;
      entry.from = each.from;
      entry.action = "login_failed";
      entry.kind = "operator";
      if (auto added = append_audit(writer, std::move(entry), &tail); !added) return added;
    }
    return {};
  });
  return done.has_value();
}

}  // namespace weir::control::api
