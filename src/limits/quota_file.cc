// quota_file.h. The format is this program's own, for this machine: a line of text, then 16 bytes for each quota,
// then a sum over all.
#include "limits/quota_file.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "base/file/whole_file.h"
#include "base/hash.h"

namespace weir::limits {
namespace {

constexpr std::string_view kMagic = "weir quotas 1\n";
// 10^8 quotas would take 1.6 GB; more memory than limits may have is no file of ours.
constexpr std::size_t kMostBytes = 2UL * 1024 * 1024 * 1024;

// What comes before the quotas.
struct Head {
  HashSeed seed;
  std::uint64_t instances = 0;
  std::uint64_t count = 0;
};
using Words = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

void put(std::string& out, std::uint64_t value) { out.append(reinterpret_cast<const char*>(&value), sizeof value); }

std::uint64_t get(std::string_view& in) noexcept {
  std::uint64_t out;
  std::memcpy(&out, in.data(), sizeof out);
  in.remove_prefix(sizeof out);
  return out;
}

bool read(std::string_view bytes, Head& head, Words& words) {
  if (bytes.size() < kMagic.size() + 5 * 8 || !bytes.starts_with(kMagic)) return false;
  std::string_view sum = bytes.substr(bytes.size() - 8);
  bytes.remove_suffix(8);
  if (get(sum) != stable_hash(bytes)) return false;
  bytes.remove_prefix(kMagic.size());
  head.seed.first = get(bytes);
  head.seed.second = get(bytes);
  head.instances = get(bytes);
  head.count = get(bytes);
  if (bytes.size() % 16 != 0 || bytes.size() / 16 != head.count) return false;  // no product: it may overflow
  for (std::uint64_t i = 0; i < head.count; ++i) {
    const std::uint64_t tag = get(bytes);
    words.emplace_back(tag, get(bytes));
  }
  return true;
}

}  // namespace

std::expected<void, std::string> QuotaFile::open(const std::string& directory, std::string& warning) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return file_error("make", directory, errno);
  directory_ = directory;
  const std::string path = directory_ + "/quotas";
  const auto bytes = read_file(path, kMostBytes);
  if (!bytes) return std::unexpected(bytes.error());
  if (*bytes && !(*bytes)->empty()) {
    Head head;
    Words words;
    if (read(**bytes, head, words)) {
      local_.restore(head.seed, words);
      instances_.remembered(static_cast<std::uint32_t>(head.instances));
    } else {
      warning = path + " is damaged: quotas begin anew; the file is kept as quotas.damaged";
      ::rename(path.c_str(), (path + ".damaged").c_str());
    }
  }
  saved_instances_ = instances_.live();
  saved_changes_ = local_.quota_changes();
  if (auto writable = save(); !writable) return writable;
  thread_ = std::thread([this] { run(); });
  return {};
}

std::expected<void, std::string> QuotaFile::save() {
  const std::uint64_t changes = local_.quota_changes();
  const std::uint32_t instances = instances_.live();
  std::string bytes(kMagic);
  put(bytes, local_.quota_seed().first);
  put(bytes, local_.quota_seed().second);
  put(bytes, instances);
  const std::size_t count_at = bytes.size();
  put(bytes, 0);
  std::uint64_t count = 0;
  local_.for_each_quota([&](std::uint64_t tag, std::uint64_t word) {
    put(bytes, tag);
    put(bytes, word);
    ++count;
  });
  std::memcpy(bytes.data() + count_at, &count, sizeof count);
  put(bytes, stable_hash(bytes));
  auto written = replace_file(directory_ + "/quotas", bytes, Access::own);
  if (written) {
    saved_changes_ = changes;
    saved_instances_ = instances;
  }
  return written;
}

void QuotaFile::run() {
  std::unique_lock lock(mutex_);
  bool last = false;
  while (!last) {
    wake_.wait_for(lock, kEvery, [&] { return ending_; });
    last = ending_;
    lock.unlock();
    auto saved = save_if_changed();
    lock.lock();
    last_error_ = saved ? std::string() : saved.error();
  }
}

std::expected<void, std::string> QuotaFile::save_if_changed() {
  std::lock_guard saving(saving_);
  if (let_go_ || (saved_changes_ == local_.quota_changes() && saved_instances_ == instances_.live())) return {};
  return save();
}

std::expected<void, std::string> QuotaFile::let_go() {
  std::lock_guard saving(saving_);
  let_go_ = true;
  return directory_.empty() ? std::expected<void, std::string>() : save();
}

void QuotaFile::take_again() {
  std::lock_guard saving(saving_);
  let_go_ = false;
}

std::string QuotaFile::last_error() {
  std::lock_guard lock(mutex_);
  return last_error_;
}

QuotaFile::~QuotaFile() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

}  // namespace weir::limits
