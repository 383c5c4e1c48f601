#pragma once

#include <fcntl.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace strata::test {

// Whether this process's descriptor for writing to the file of this name has O_DIRECT, as Linux
// shows it.
inline bool writes_direct(const std::string& file_name) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;  // the iterator's own
    if (std::filesystem::read_symlink(entry, gone).filename() != file_name) continue;
    const int flags = fcntl(std::stoi(entry.path().filename()), F_GETFL);
    if ((flags & O_ACCMODE) == O_RDWR) return (flags & O_DIRECT) != 0;
  }
  return false;
}

}  // namespace strata::test
