#include "base/file/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir {
namespace {

std::string_view advice(int error) noexcept {
  switch (error) {
    case EACCES:
    case EPERM:
      return "; it and its folder must belong to the user that runs weir";
    case EROFS:
      return "; it must be on a file system that can be written to";
    case ENOSPC:
    case EDQUOT:
      return "; make room on that file system";
    case ELOOP:
      return "; it must be no symbolic link";
    default:
      return "";
  }
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Closes it, and keeps errno as it was.
void close_quietly(int fd) noexcept {
  const int error = errno;
  ::close(fd);
  errno = error;
}

bool take_over(int fd, const struct stat& before) noexcept {
  if (::fchmod(fd, before.st_mode & 07777) != 0) return false;
  // Root gives it back to its owner; others at least to a group that they are in.
  if (::fchown(fd, before.st_uid, before.st_gid) != 0 && ::fchown(fd, static_cast<uid_t>(-1), before.st_gid) != 0)
    errno = 0;
  return true;
}

}  // namespace

std::unexpected<std::string> file_error(std::string_view what, const std::string& path, int error) {
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

bool sync_folder_of(const std::string& path) noexcept {
  const int fd = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno == EACCES;
  const bool good = ::fsync(fd) == 0 || errno == EINVAL;  // fsync(2)
  close_quietly(fd);
  return good;
}

std::expected<void, std::string> replace_file(const std::string& path, std::string_view bytes, Access access) {
  struct stat before{};
  const bool there = access == Access::as_before && ::stat(path.c_str(), &before) == 0;
  const std::string draft = path + std::string(kUnfinished);
  ::unlink(draft.c_str());  // of one that was killed; and whose access rights were its own
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                        access == Access::own ? 0600 : 0644);
  if (fd < 0) return file_error("write", draft, errno);
  bool good = (!there || take_over(fd, before)) && write_all(fd, bytes) && ::fsync(fd) == 0;
  close_quietly(fd);
  good = good && ::rename(draft.c_str(), path.c_str()) == 0;
  if (!good) {
    const int error = errno;
    ::unlink(draft.c_str());
    return file_error("write", path, error);
  }
  if (!sync_folder_of(path)) return file_error("sync the folder of", path, errno);
  return {};
}

std::expected<std::optional<std::string>, std::string> read_file(const std::string& path, std::size_t most) {
  // O_NONBLOCK: a pipe in its place must not hold up the start.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) {
    if (errno == ENOENT) return std::nullopt;
    return file_error("read", path, errno);
  }
  struct stat about{};
  std::string out;
  ssize_t got = 0;
  const bool regular = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
  const bool fits = regular && static_cast<std::uint64_t>(about.st_size) <= most;
  if (fits) {
    out.resize(static_cast<std::size_t>(about.st_size));
    std::size_t at = 0;
    while (at < out.size() &&
           ((got = ::read(fd, out.data() + at, out.size() - at)) > 0 || (got < 0 && errno == EINTR)))
      if (got > 0) at += static_cast<std::size_t>(got);
    out.resize(at);
  }
  const int error = errno;
  ::close(fd);
  if (!regular) return std::unexpected("cannot read " + path + ": it is no regular file");
  if (!fits) return std::unexpected("cannot read " + path + ": it is longer than any of ours");
  if (got < 0) return file_error("read", path, error);
  return out;
}

}  // namespace weir
