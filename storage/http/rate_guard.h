#pragma once

#include <chrono>
#include <cstdint>

#include "strata/base/limits.h"

namespace strata::http {

// Finds peers that send or accept content too slowly. Only time spent waiting for the peer counts,
// so that our own disk or digests never make an honest peer look slow. A peer that earns its quota
// (rate x window) starts a new window.
class RateGuard {
 public:
  using Clock = std::chrono::steady_clock;
  explicit RateGuard(const Limits& limits)
      : window_(limits.rate_window),
        quota_(limits.body_rate_min_bytes_per_s *
               static_cast<std::uint64_t>(limits.rate_window.count())) {}

  // When a wait that begins now has used up the window.
  [[nodiscard]] Clock::time_point deadline(Clock::time_point now) const {
    return now + (window_ - waited_);
  }
  // False: over the whole window the quota was not met.
  [[nodiscard]] bool record(Clock::duration waited, std::uint64_t bytes) {
    waited_ += waited;
    bytes_ += bytes;
    if (bytes_ >= quota_) {
      waited_ = {};
      bytes_ = 0;
    }
    return waited_ < window_;
  }

 private:
  Clock::duration window_;
  std::uint64_t quota_;
  Clock::duration waited_{};
  std::uint64_t bytes_ = 0;
};

}  // namespace strata::http
