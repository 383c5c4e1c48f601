#pragma once

#include <string>

namespace strata::test {

// A new empty directory (0700) below $TMPDIR or /tmp, removed with all it holds at the end.
class TemporaryDirectory {
 public:
  // `below`: somewhere else, e.g. "/dev/shm" for a file system without O_DIRECT.
  explicit TemporaryDirectory(const std::string& below = {});
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace strata::test
