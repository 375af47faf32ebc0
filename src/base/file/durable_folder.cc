#include "base/file/durable_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file/whole_file.h"

namespace weir {
namespace {

bool made(const std::string& path) noexcept { return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST; }

}  // namespace

std::expected<DurableFolder, std::string> DurableFolder::open(const std::string& path) {
  const std::string above = path.substr(0, path.rfind('/'));
  if (!above.empty() && !made(above)) return file_error("make", above, errno);
  if (!made(path)) return file_error("make", path, errno);
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return file_error("open", path, errno);
  DurableFolder out(path, fd);
  while (::flock(fd, LOCK_EX) != 0)
    if (errno != EINTR) return file_error("lock", path, errno);
  return out;
}

DurableFolder::~DurableFolder() {
  if (fd_ >= 0) ::close(fd_);
}

std::expected<void, std::string> DurableFolder::write(const std::string& name, std::string_view bytes) const {
  const std::string draft = name + std::string(kUnfinished);
  ::unlinkat(fd_, draft.c_str(), 0);  // of one that was killed: we hold the lock
  const int file = ::openat(fd_, draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return file_error("write", path_ + "/" + draft, errno);
  bool good = write_all(file, bytes) && ::fsync(file) == 0;
  int error = errno;
  ::close(file);
  if (good && ::renameat(fd_, draft.c_str(), fd_, name.c_str()) != 0) {
    good = false;
    error = errno;
  }
  if (!good) {
    ::unlinkat(fd_, draft.c_str(), 0);
    return file_error("write", path_ + "/" + name, error);
  }
  // The name itself is on disk only when the folder is.
  if (::fsync(fd_) != 0 && errno != EINVAL) return file_error("sync", path_, errno);
  return {};
}

void DurableFolder::remove(const std::string& name) const noexcept { ::unlinkat(fd_, name.c_str(), 0); }

std::expected<std::vector<std::string>, std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  DIR* const open = ::opendir(folder.c_str());
  if (open == nullptr) {
    if (errno == ENOENT) return out;
    return file_error("read", folder, errno);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(open)) out.emplace_back(entry->d_name);
  const int error = errno;
  ::closedir(open);
  if (error != 0) return file_error("read", folder, error);
  return out;
}

}  // namespace weir
