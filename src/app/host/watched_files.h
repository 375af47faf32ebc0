// Notices that files have changed, by looking at them now and then: works for editors that replace, for mounted
// volumes and for symbolic links that are switched, where inotify does not. Control thread; each look is a stat per
// file.
#pragma once

#include <sys/types.h>
#include <string>
#include <vector>

namespace weir::app {

class WatchedFiles {
 public:
  // What is there now is the state to compare with.
  void watch(std::vector<std::string> paths);

  // True once for each change: a file that differs from the last state and has looked the same twice in a row, so
  // that one that is still being written is left alone.
  bool changed();

 private:
  struct State {
    ino_t inode = 0;
    off_t size = -1;  // -1: not there
    long long modified_ns = 0;
    bool operator==(const State&) const = default;
  };
  static State look(const std::string& path) noexcept;
  struct File {
    std::string path;
    State known;
    State seen;
  };
  std::vector<File> files_;
};

}  // namespace weir::app
