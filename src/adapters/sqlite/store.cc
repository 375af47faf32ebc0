#include "adapters/sqlite/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "adapters/sqlite/session.h"
#include "control/sql/store.h"

namespace weir::adapters::sqlite {
namespace {

// As many as the offload threads that call at a time; more would wait for the disk, not work.
constexpr std::size_t kMostConnections = 8;

}  // namespace

std::expected<std::unique_ptr<control::Store>, control::StoreError> open(const std::string& path) {
  const bool memory = path == ":memory:";
  if (!memory) {
    // SQLite would make it readable by everybody; the files beside it take after it. Only ever a new file: closing
    // one that is in use in this process would drop SQLite's locks on it.
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
      return std::unexpected(
          control::StoreError{control::StoreError::Kind::unavailable, path + ": " + std::strerror(errno)});
    if (fd >= 0) ::close(fd);
  }
  const auto file = memory ? std::nullopt : FileIdentity::of(path);
  if (!memory && !file)
    return std::unexpected(
        control::StoreError{control::StoreError::Kind::unavailable, path + " was removed while it was opened"});
  auto store = control::sql::make_store(
      [path, file](std::chrono::milliseconds patience) { return Session::open(path, file, patience); },
      memory ? 1 : kMostConnections);  // each connection would be a memory of its own
  if (auto tried = store->read([](control::StoreView&) { return control::StoreResult<void>(); }); !tried)
    return std::unexpected(std::move(tried.error()));
  return store;
}

}  // namespace weir::adapters::sqlite
