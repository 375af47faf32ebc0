// A folder of small files that are whole or not there (whole_file.h), which one process writes at a time. Blocks:
// used on offload threads. Errors are sentences that name the file and, where there is one, the fix; nothing throws.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

// A folder, held open and locked against other processes that hold it so.
class DurableFolder {
 public:
  // Makes it, and the folder it is in, if they are missing (mode 0700). Waits for the lock.
  static std::expected<DurableFolder, std::string> open(const std::string& path);
  DurableFolder(DurableFolder&& other) noexcept : path_(std::move(other.path_)), fd_(other.fd_) { other.fd_ = -1; }
  DurableFolder& operator=(DurableFolder&&) = delete;
  ~DurableFolder();

  // Mode 0600, in place of what has that name, on disk when it returns; errors as of replace_file().
  std::expected<void, std::string> write(const std::string& name, std::string_view bytes) const;
  void remove(const std::string& name) const noexcept;

 private:
  DurableFolder(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
};

// The names in a folder, in no order; a folder that is not there has none.
std::expected<std::vector<std::string>, std::string> names_in(const std::string& folder);

}  // namespace weir
