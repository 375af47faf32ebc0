#include "app/stores/pepper.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/file/whole_file.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

namespace weir::app {
namespace {

// 32 bytes, as long as the hash, in hex.
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kShortest = 32;

std::string cannot(std::string_view what, const std::string& file) {
  return "the pepper " + file + " cannot be " + std::string(what) + ": " + std::strerror(errno);
}

}  // namespace

std::expected<std::string, std::string> read_pepper(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected(cannot("read", file));
  std::array<char, 4096> bytes;
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  std::string out(bytes.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  ::close(fd);
  if (got < 0) return std::unexpected(cannot("read", file));
  while (out.ends_with('\n') || out.ends_with('\r')) out.pop_back();
  if (out.size() < kShortest) return std::unexpected("the pepper " + file + " is shorter than 32 characters");
  return out;
}

std::expected<std::string, std::string> read_or_make_pepper(const std::string& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    if (errno == EEXIST) return read_pepper(file);
    return std::unexpected(cannot("made", file));
  }
  std::array<unsigned char, kRandomBytes> random;
  crypto::random_bytes(random);
  const std::string text = crypto::to_hex(random) + "\n";
  const bool whole = write_all(fd, text) && ::fsync(fd) == 0 && sync_folder_of(file);
  ::close(fd);
  if (!whole) {
    std::string error = cannot("written", file);
    ::unlink(file.c_str());
    return std::unexpected(std::move(error));
  }
  return read_pepper(file);
}

}  // namespace weir::app
