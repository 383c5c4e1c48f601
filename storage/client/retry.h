#pragma once

#include <chrono>
#include <stop_token>

#include "storage/client/pull.h"
#include "strata/base/result.h"

namespace strata::client {

// Counts the failures of one transfer and waits between them, longer each time.
class Retry {
 public:
  explicit Retry(const PullOptions& options) : options_(options) {}

  // Whether to try again after `error`; waits first. False: it is final, or there were too many, or
  // a stop was requested.
  [[nodiscard]] bool again(const Error& error, const std::stop_token& stop);
  // Bytes arrived: a transfer that makes headway is not given up.
  void advance(std::uint64_t bytes);

 private:
  const PullOptions& options_;
  int failures_ = 0;
  std::uint64_t since_failure_ = 0;
};

}  // namespace strata::client
