// Files that are whole or not there, whatever is killed meanwhile: written beside, synced, renamed. All of it blocks:
// commands and offload threads call it, no loop. Errors are sentences that name the file and, where there is one, the
// fix; nothing throws.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

// What a write that was killed leaves behind ends so.
inline constexpr std::string_view kUnfinished = ".new";

// nullopt: there is none. An error also for what is no regular file, a symbolic link, or longer than `most` bytes.
std::expected<std::optional<std::string>, std::string> read_file(const std::string& path, std::size_t most);

// `own`: mode 0600. `as_before`: mode, group and, for root, owner of the file that it replaces, as far as the system
// allows; 0644 if there is none.
enum class Access : bool { own, as_before };

// In place of what has that name, on disk when it returns. On an error the old one is still there, unless the error
// is that the folder could not be synced: then the new one is, and may not survive a power cut. Two writers at once
// need a lock of their own.
std::expected<void, std::string> replace_file(const std::string& path, std::string_view bytes, Access access);

// Like write(2), but all of it or false, with errno set.
bool write_all(int fd, std::string_view bytes) noexcept;

// A new name is on disk only when its folder is. True also where that cannot be had: in a folder that may be written
// to but not read, on a file system that knows no such thing. Else false with errno set.
bool sync_folder_of(const std::string& path) noexcept;

// "cannot WHAT PATH: reason; advice", of the errno `error`.
std::unexpected<std::string> file_error(std::string_view what, const std::string& path, int error);

}  // namespace weir
