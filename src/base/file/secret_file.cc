#include "base/file/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/file/whole_file.h"

namespace weir {
namespace {

// A key in PEM is 119 bytes, a secret in hex 64.
constexpr std::size_t kMostBytes = 4096;

std::string cannot(std::string_view what, std::string_view verb, const std::string& file) {
  return std::string(what) + " " + file + " cannot be " + std::string(verb) + ": " + std::strerror(errno);
}

std::expected<std::optional<std::string>, std::string> read(const std::string& file, std::string_view what) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno == ENOENT) return std::nullopt;
    return std::unexpected(cannot(what, "read", file));
  }
  std::array<char, kMostBytes> bytes;
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  const int error = errno;
  ::close(fd);
  errno = error;
  if (got < 0) return std::unexpected(cannot(what, "read", file));
  return std::string(bytes.data(), static_cast<std::size_t>(got));
}

bool write_whole(const std::string& file, const std::string& text) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  const bool whole = write_all(fd, text) && ::fsync(fd) == 0;
  const int error = errno;
  ::close(fd);
  errno = error;
  return whole;
}

}  // namespace

std::expected<std::string, std::string> read_or_make_secret(
    const std::string& file, std::string_view what,
    const std::function<std::expected<std::string, std::string>()>& make) {
  auto there = read(file, what);
  if (!there) return std::unexpected(there.error());
  if (*there) return **there;
  const auto made = make();
  if (!made) return made;
  // link() where rename() would replace the one that another process has made meanwhile.
  const std::string draft = file + ".new." + std::to_string(::getpid());
  if (!write_whole(draft, *made)) {
    std::string error = cannot(what, "made", file);
    ::unlink(draft.c_str());
    return std::unexpected(std::move(error));
  }
  const bool linked = ::link(draft.c_str(), file.c_str()) == 0 || errno == EEXIST;
  std::string error = linked ? std::string() : cannot(what, "made", file);
  ::unlink(draft.c_str());
  if (!linked) return std::unexpected(std::move(error));
  if (!sync_folder_of(file)) return std::unexpected(cannot(what, "kept", file));
  there = read(file, what);
  if (!there) return std::unexpected(there.error());
  if (!*there) return std::unexpected(std::string(what) + " " + file + " was removed while it was made");
  return **there;
}

}  // namespace weir
