#include "gateway/durable_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir::gateway {
namespace {

std::string_view advice(int error) noexcept {
  switch (error) {
    case EACCES:
    case EPERM:
      return "; it must belong to the user that runs weir";
    case EROFS:
      return "; state_dir must be on a file system that can be written to";
    case ENOSPC:
    case EDQUOT:
      return "; make room where state_dir is";
    case ELOOP:
      return "; it must be no symbolic link";
    default:
      return "";
  }
}

std::unexpected<std::string> failed(std::string_view what, const std::string& path, int error) {
  return std::unexpected("cannot " + std::string(what) + " " + path + ": " + std::strerror(error) +
                         std::string(advice(error)));
}

bool write_all(int fd, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return true;
}

bool made(const std::string& path) noexcept { return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST; }

}  // namespace

std::expected<DurableFolder, std::string> DurableFolder::open(const std::string& path) {
  const std::string above = path.substr(0, path.rfind('/'));
  if (!above.empty() && !made(above)) return failed("make", above, errno);
  if (!made(path)) return failed("make", path, errno);
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("open", path, errno);
  DurableFolder out(path, fd);
  while (::flock(fd, LOCK_EX) != 0)
    if (errno != EINTR) return failed("lock", path, errno);
  return out;
}

DurableFolder::~DurableFolder() {
  if (fd_ >= 0) ::close(fd_);
}

std::expected<void, std::string> DurableFolder::write(const std::string& name, std::string_view bytes) const {
  const std::string draft = name + std::string(kUnfinished);
  ::unlinkat(fd_, draft.c_str(), 0);  // of one that was killed: we hold the lock
  const int file = ::openat(fd_, draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return failed("write", path_ + "/" + draft, errno);
  bool good = write_all(file, bytes) && ::fsync(file) == 0;
  int error = errno;
  ::close(file);
  if (good && ::renameat(fd_, draft.c_str(), fd_, name.c_str()) != 0) {
    good = false;
    error = errno;
  }
  if (!good) {
    ::unlinkat(fd_, draft.c_str(), 0);
    return failed("write", path_ + "/" + name, error);
  }
  // The name itself is on disk only when the folder is.
  if (::fsync(fd_) != 0) return failed("sync", path_, errno);
  return {};
}

void DurableFolder::remove(const std::string& name) const noexcept { ::unlinkat(fd_, name.c_str(), 0); }

std::expected<std::vector<std::string>, std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  DIR* const open = ::opendir(folder.c_str());
  if (open == nullptr) {
    if (errno == ENOENT) return out;
    return failed("read", folder, errno);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(open)) out.emplace_back(entry->d_name);
  const int error = errno;
  ::closedir(open);
  if (error != 0) return failed("read", folder, error);
  return out;
}

std::expected<std::optional<std::string>, std::string> read_file(const std::string& path, std::size_t most) {
  // O_NONBLOCK: a pipe in its place must not hold up the start.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT) return std::nullopt;
    return failed("read", path, errno);
  }
  struct stat about{};
  std::string out;
  ssize_t got = 0;
  const bool regular = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  const bool fits = regular && static_cast<std::uint64_t>(about.st_size) <= most;
  if (fits) {
    out.resize(static_cast<std::size_t>(about.st_size));
    std::size_t at = 0;
    while (at < out.size() && (got = ::read(fd, out.data() + at, out.size() - at)) > 0)
      at += static_cast<std::size_t>(got);
    out.resize(at);
  }
  const int error = errno;
  ::close(fd);
  if (!regular) return std::unexpected("cannot read " + path + ": it is no regular file");
  if (!fits) return std::unexpected("cannot read " + path + ": it is longer than any of ours");
  if (got < 0) return failed("read", path, error);
  return out;
}

}  // namespace weir::gateway
