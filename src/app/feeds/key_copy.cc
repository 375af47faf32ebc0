#include "app/feeds/key_copy.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace weir::app {
namespace {

using identity::KeyRecord;

constexpr std::string_view kFirstLine = "weir keys 1\n";
constexpr std::string_view kSeal = "seal ";
// 50,000 keys take some 15 MB; a million are no copy of ours.
constexpr off_t kMostBytes = 512LL * 1024 * 1024;

std::string failed(const std::string& file) {
  return "the local copy " + file + " cannot be written: " + std::strerror(errno);
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void sync_folder(const std::string& file) {
  const std::size_t slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

std::expected<std::string, std::string> read_file(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return std::unexpected("there is no local copy at " + file);
  struct stat about{};
  std::string out;
  if (::fstat(fd, &about) == 0 && about.st_size <= kMostBytes) out.resize(static_cast<std::size_t>(about.st_size));
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t count = ::read(fd, out.data() + have, out.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    have += static_cast<std::size_t>(count);
  }
  ::close(fd);
  out.resize(have);
  return out;
}

}  // namespace

std::string write_key_copy(const std::string& file, const std::vector<KeyRecord>& records,
                           const identity::Mac& pepper) {
  std::string text(kFirstLine);
  for (const KeyRecord& record : records) text.append(to_canonical(to_json(record))).append("\n");
  const std::string seal = identity::to_hex(pepper(text));
  text.append(kSeal).append(seal).append("\n");
  const std::string draft = file + ".draft";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return failed(file);
  const bool whole = write_all(fd, text) && ::fsync(fd) == 0;
  std::string error = whole ? "" : failed(file);
  ::close(fd);
  if (whole && ::rename(draft.c_str(), file.c_str()) != 0) error = failed(file);
  if (error.empty()) sync_folder(file);
  return error;
}

std::expected<std::vector<KeyRecord>, std::string> read_key_copy(const std::string& file,
                                                                 const identity::Mac& pepper) {
  auto text = read_file(file);
  if (!text) return std::unexpected(std::move(text.error()));
  const std::string broken = "the local copy " + file + " is damaged, or of another pepper";
  const std::size_t seal = text->rfind(kSeal);
  identity::Digest wanted;
  if (seal == std::string::npos || !text->starts_with(kFirstLine) || !text->ends_with('\n'))
    return std::unexpected(broken);
  const std::string_view body = std::string_view(*text).substr(0, seal);
  const std::string_view hex =
      std::string_view(*text).substr(seal + kSeal.size(), text->size() - seal - kSeal.size() - 1);
  if (!identity::from_hex(hex, wanted) || !identity::equal_in_constant_time(pepper(body), wanted))
    return std::unexpected(broken);
  std::vector<KeyRecord> out;
  for (std::string_view rest = body.substr(kFirstLine.size()); !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto json = parse_json(line);
    if (!json) return std::unexpected(broken);
    auto record = identity::key_record(*json);
    if (!record) return std::unexpected(broken);
    out.push_back(std::move(*record));
  }
  return out;
}

}  // namespace weir::app
