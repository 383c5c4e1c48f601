#pragma once

#include <string>

#include "strata/base/result.h"

namespace strata::storage {

// One process per data folder: flock(2) on DATA/lock, held until destruction (or the process ends).
class DataLock {
 public:
  DataLock() = default;
  ~DataLock();
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;
  [[nodiscard]] Status acquire(const std::string& data);  // kInUse

 private:
  int descriptor_ = -1;
};

}  // namespace strata::storage
