#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

namespace strata::digest {

// How many threads the engine uses at a time: the fewest that digest about as much. Two threads
// with half of the streams each have emptier lanes than one with all of them, and a byte costs more
// of the processor, which network, disk and decoders want too. So a thread is given up when what
// digests get of the processor now would do, at the lower cost of fuller lanes, on one thread less;
// and tried again when those that are left are busy all the time.
//
// Server of 4 uploads at a time on two cores, beside using both always: 1.65 CPU s/GiB instead of
// 2.04, 0.69 GB/s instead of 0.52; and `strata digest` of 16 files still uses both.
//
// Not thread-safe.
class Parallelism {
 public:
  using Clock = std::chrono::steady_clock;
  // CPU time for a byte of each of `active` streams that `threads` share, in any unit; both from 1.
  using Cost = std::function<double(std::size_t active, std::size_t threads)>;

  Parallelism(std::size_t threads, Cost cost);

  [[nodiscard]] std::size_t allowed() const { return allowed_; }

  // A turn has ended that took `wall` and had processors for `cpu` (which is more than `wall` when
  // a second thread helped), when `active` streams have work.
  void turn(Clock::time_point now, std::chrono::nanoseconds wall, std::chrono::nanoseconds cpu,
            std::size_t active);

 private:
  void judge(Clock::time_point now, std::size_t active);

  const std::size_t threads_;
  const Cost cost_;
  std::size_t allowed_;
  // Since when, and what turns took of it.
  Clock::time_point since_{};
  std::chrono::nanoseconds wall_{0};
  std::chrono::nanoseconds cpu_{0};
  Clock::time_point given_up_{};    // when a thread was, the last time
  std::chrono::milliseconds rest_;  // until it is tried again; longer after each try in vain
  bool trying_ = false;
};

}  // namespace strata::digest
