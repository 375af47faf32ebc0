#include "app/host/watched_files.h"

#include <sys/stat.h>

namespace weir::app {

WatchedFiles::State WatchedFiles::look(const std::string& path) noexcept {
  struct stat what{};
  if (::stat(path.c_str(), &what) != 0) return {};
  return {what.st_ino, what.st_size, what.st_mtim.tv_sec * 1'000'000'000LL + what.st_mtim.tv_nsec};
}

void WatchedFiles::watch(std::vector<std::string> paths) {
  files_.clear();
  for (auto& path : paths) {
    State now = look(path);
    files_.push_back({std::move(path), now, now});
  }
}

bool WatchedFiles::changed() {
  bool any = false;
  for (File& file : files_) {
    State now = look(file.path);
    bool steady = now == file.seen;
    file.seen = now;
    if (now == file.known || !steady || now.size < 0) continue;
    file.known = now;
    any = true;
  }
  return any;
}

}  // namespace weir::app
