#include "gateway/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace weir::gateway {
namespace {

std::expected<int, std::string> open_for_append(const std::string& path) {
  if (path == "-") return ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  std::error_code ignored;
  auto folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) return std::unexpected(fmt::format("cannot open the access log {}: {}", path, std::strerror(errno)));
  return fd;
}

}  // namespace

std::expected<std::unique_ptr<LogFile>, std::string> LogFile::open(std::string path) {
  auto fd = open_for_append(path);
  if (!fd) return std::unexpected(fd.error());
  return std::unique_ptr<LogFile>(new LogFile(std::move(path), *fd));
}

LogFile::LogFile(std::string path, int fd) : fd_(fd), path_(std::move(path)), thread_([this] { run(); }) {}

LogFile::~LogFile() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  ::close(fd_);
}

std::string LogFile::write(std::string batch, std::uint64_t records) {
  std::string next;
  {
    std::lock_guard lock(mutex_);
    if (queued_bytes_ + batch.size() > kMostBytes) {
      dropped_.fetch_add(records, std::memory_order_relaxed);
      batch.clear();
      return batch;
    }
    queued_bytes_ += batch.size();
    queue_.push_back({std::move(batch), records});
    if (!spare_.empty()) {
      next = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  wake_.notify_one();
  return next;
}

void LogFile::reopen(std::string path) {
  {
    std::lock_guard lock(mutex_);
    reopen_ = std::move(path);
  }
  wake_.notify_one();
}

bool LogFile::write_all(const std::string& lines) noexcept {
  std::size_t done = 0;
  while (done < lines.size()) {
    ssize_t wrote = ::write(fd_, lines.data() + done, lines.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

void LogFile::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [&] { return stopping_ || !queue_.empty() || !reopen_.empty(); });
    if (!reopen_.empty()) {
      std::string path = std::exchange(reopen_, {});
      lock.unlock();
      if (auto fd = open_for_append(path)) {
        ::close(fd_);
        fd_ = *fd;
        path_ = std::move(path);
      }
      lock.lock();
      continue;
    }
    if (queue_.empty()) return;  // stopping, and all is written
    Batch batch = std::move(queue_.front());
    queue_.pop_front();
    queued_bytes_ -= batch.lines.size();
    lock.unlock();
    if (!write_all(batch.lines)) dropped_.fetch_add(batch.records, std::memory_order_relaxed);
    batch.lines.clear();
    lock.lock();
    if (spare_.size() < kSpares) spare_.push_back(std::move(batch.lines));
  }
}

void LogBuffer::append(std::string_view record) {
  if (lines_.empty()) {
    lines_.reserve(kBatch + 1024);
    loop_.timers().start(timer_, loop_.now() + kAge);
  }
  lines_.append(record);
  lines_.push_back('\n');
  ++records_;
  if (lines_.size() >= kBatch) hand_over();
}

void LogBuffer::hand_over() {
  timer_.stop();
  if (lines_.empty()) return;
  if (file_)
    lines_ = file_->write(std::exchange(lines_, {}), std::exchange(records_, 0));
  else
    lines_.clear();
}

}  // namespace weir::gateway
