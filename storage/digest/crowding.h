#pragma once

#include <chrono>
#include <cstddef>

namespace strata::digest {

// How many threads the engine should use at a time. When the processor has less to give than there
// are threads that want it (network, disk and decoders run beside the digests, and so may other
// processes), a second thread does not bring more bytes: it only leaves fewer streams for each,
// whose lanes are then emptier. A turn that was kept waiting for a processor is the sign of it.
//
// Additive increase, quick decrease, as TCP's congestion control finds its share of a link (V.
// Jacobson, "Congestion Avoidance and Control", SIGCOMM 1988). Not thread-safe.
class Crowding {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Crowding(std::size_t threads) : threads_(threads), allowed_(threads) {}

  [[nodiscard]] std::size_t allowed() const { return allowed_; }

  // A turn took `wall` and had a processor for `cpu` of it.
  void turn(Clock::time_point now, std::chrono::nanoseconds wall, std::chrono::nanoseconds cpu);

 private:
  const std::size_t threads_;
  std::size_t allowed_;
  Clock::time_point decreased_{};
  Clock::time_point calm_since_{};  // the last sign of crowding, or the last increase
};

}  // namespace strata::digest
