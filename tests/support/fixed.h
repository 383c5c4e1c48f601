#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <random>

#include "strata/base/clock.h"

// Time and randomness that a test holds still.
namespace strata::test {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixMillis start = 1'700'000'000'000) : now_(start) {}
  [[nodiscard]] UnixMillis now() const override { return now_; }
  void advance(UnixMillis by) { now_ += by; }

 private:
  std::atomic<UnixMillis> now_;
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    const std::lock_guard lock(mutex_);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
  }

 private:
  std::mutex mutex_;
  std::mt19937_64 engine_;
};

}  // namespace strata::test
