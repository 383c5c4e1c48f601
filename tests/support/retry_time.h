#pragma once

#include <mutex>
#include <vector>

#include "storage/client/retry.h"

namespace strata::test {

// Time that passes only in waits, and waits that take none.
class QuickTime final : public client::RetryTime {
 public:
  [[nodiscard]] Instant now() override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  void wait(std::chrono::milliseconds time, const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    now_ += time;
    waits_.push_back(time);
  }
  [[nodiscard]] double jitter() override { return 0.5; }

  [[nodiscard]] std::vector<std::chrono::milliseconds> waits() const {
    const std::lock_guard lock(mutex_);
    return waits_;
  }

 private:
  mutable std::mutex mutex_;
  Instant now_{std::chrono::hours(1)};
  std::vector<std::chrono::milliseconds> waits_;
};

}  // namespace strata::test
