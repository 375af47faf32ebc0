// revoked_tokens.h, in a file.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <limits>

#include "app/stores/revoked_tokens.h"
#include "base/file/whole_file.h"

namespace weir::app {
namespace {

constexpr std::string_view kUntil = "# until ";
constexpr std::size_t kMost = 512UL * 1024 * 1024;  // as the gateway's own copy, gateway/keys/revocation_copy.cc
constexpr double kNever = std::numeric_limits<double>::infinity();

struct Line {
  std::string text;       // as it stands, without its end
  double until = kNever;  // by the line above it
  bool entry = false;     // not empty, no comment
};

std::string_view trimmed(std::string_view line) {
  while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  return line;
}

std::optional<double> until_of(std::string_view line) {
  line = trimmed(line);
  if (!line.starts_with(kUntil)) return std::nullopt;
  line.remove_prefix(kUntil.size());
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), seconds);
  if (error != std::errc() || end != line.data() + line.size()) return std::nullopt;
  return static_cast<double>(seconds);
}

std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> out;
  std::optional<double> until;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (until_of(line)) {
      until = until_of(line);
      continue;
    }
    const std::string_view bare = trimmed(line);
    const bool entry = !bare.empty() && bare.front() != '#';
    out.push_back({std::string(line), entry ? until.value_or(kNever) : kNever, entry});
    until.reset();
  }
  return out;
}

std::string text_of(const std::vector<Line>& lines) {
  std::string out;
  for (const Line& line : lines) {
    if (std::isfinite(line.until))
      out.append(kUntil).append(std::to_string(static_cast<std::int64_t>(line.until))).append("\n");
    out.append(line.text).append("\n");
  }
  return out;
}

// The folder, locked against another `weir token`, until the descriptor is closed.
class Lock {
 public:
  explicit Lock(const std::string& file) {
    const std::size_t slash = file.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
    fd_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (fd_ >= 0 && ::flock(fd_, LOCK_EX) != 0 && errno == EINTR) continue;
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  int fd_;
};

class InFile final : public RevokedTokens {
 public:
  explicit InFile(std::string file) : file_(std::move(file)) {}

  std::expected<std::vector<Revoked>, std::string> all() override {
    const auto lines = read();
    if (!lines) return std::unexpected(lines.error());
    std::vector<Revoked> out;
    for (const Line& line : *lines)
      if (line.entry) out.push_back({line.until, std::string(trimmed(line.text))});
    return out;
  }

  std::expected<void, std::string> add(const Revoked& one, double now) override {
    const Lock lock(file_);
    auto lines = read();
    if (!lines) return std::unexpected(lines.error());
    std::erase_if(*lines, [&](const Line& line) { return line.entry && line.until < now; });
    bool there = false;
    for (Line& line : *lines) {
      if (!line.entry || trimmed(line.text) != one.line) continue;
      line.until = std::max(line.until, one.until);
      there = true;
    }
    if (!there) lines->push_back({one.line, std::ceil(one.until), true});
    // The gateway may run as somebody else: whoever could read it still can.
    return replace_file(file_, text_of(*lines), Access::as_before);
  }

 private:
  std::expected<std::vector<Line>, std::string> read() const {
    const auto text = read_file(file_, kMost);
    if (!text) return std::unexpected(text.error());
    return *text ? lines_of(**text) : std::vector<Line>();
  }

  std::string file_;
};

}  // namespace

std::unique_ptr<RevokedTokens> revoked_in_file(std::string file) { return std::make_unique<InFile>(std::move(file)); }

}  // namespace weir::app
