#pragma once

#include <memory>
#include <string>

#include "strata/base/result.h"

namespace strata::entries {

// One process at a time has the folder, also while a rebuild puts another store in its place: a
// lock on FOLDER.lock.
class StoreLock {
 public:
  // kConflict: another process has it, or another part of this one.
  [[nodiscard]] static Result<std::unique_ptr<StoreLock>> take(const std::string& folder);
  ~StoreLock();
  StoreLock(const StoreLock&) = delete;
  StoreLock& operator=(const StoreLock&) = delete;

 private:
  explicit StoreLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace strata::entries
