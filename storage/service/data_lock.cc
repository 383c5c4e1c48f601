#include "storage/service/data_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace strata::storage {

DataLock::~DataLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

Status DataLock::acquire(const std::string& data) {
  const std::string path = data + "/lock";
  descriptor_ = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor_ < 0) return errno_error(errno, "opening " + path);
  if (flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK) return Error(Errc::kInUse, "another process uses " + data);
  return errno_error(errno, "locking " + path);
}

}  // namespace strata::storage
