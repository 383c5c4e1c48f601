#include "registry/entries/store_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "strata/io/file_system.h"

namespace strata::entries {

Result<std::unique_ptr<StoreLock>> StoreLock::take(const std::string& folder) {
  // Of the folder itself, whatever link leads there.
  std::error_code error;
  const std::string path = std::filesystem::weakly_canonical(folder, error).string() + ".lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return errno_error(errno, "open " + path);
  std::unique_ptr<StoreLock> lock(new StoreLock(descriptor));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error(errno, "lock " + path);
    return Error(Errc::kConflict, "the entry store in " + folder + " is used by another process");
  }
  return lock;
}

StoreLock::~StoreLock() {
  ::close(descriptor_);
}

}  // namespace strata::entries
