#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

namespace strata::digest {

// How many threads the engine uses at a time: as many as each bring something. Two threads with
// half of the streams each have emptier lanes than one with all of them, and a byte costs more of
// the processor, which network, disk and decoders want too. So a thread is given up when it brings
// less than an eighth of what a thread does: what digests get of the processors now would then do
// nearly as much, in fuller lanes, on one thread less. And more are tried when those that are left
// are busy all the time.
//
// On processors that nobody else wants every thread brings its full part, and all are used.
//
// Not thread-safe.
class Parallelism {
 public:
  using Clock = std::chrono::steady_clock;
  // Bytes that one processor digests in a second when `active` streams are shared among `threads`,
  // in any unit; both from 1.
  using Efficiency = std::function<double(std::size_t active, std::size_t threads)>;

  Parallelism(std::size_t threads, Efficiency efficiency);

  [[nodiscard]] std::size_t allowed() const { return allowed_; }

  // A turn has ended that took `wall` and had processors for `cpu` (which is more than `wall` when
  // a second thread helped), when `active` streams have work.
  void turn(Clock::time_point now, std::chrono::nanoseconds wall, std::chrono::nanoseconds cpu,
            std::size_t active);

 private:
  void judge(Clock::time_point now, std::size_t active);
  [[nodiscard]] std::size_t fewest(double processors, std::size_t active) const;

  const std::size_t threads_;
  const Efficiency efficiency_;
  std::size_t allowed_;
  void change(Clock::time_point now, std::size_t threads);

  Clock::time_point settled_{};  // when the last change is seen in what turns take
  // Since when turns are counted, and what they took of it.
  Clock::time_point since_{};
  std::chrono::nanoseconds wall_{0};
  std::chrono::nanoseconds cpu_{0};
  std::size_t tried_from_ = 0;  // threads before the try that is to be judged; 0: none
  // When and with how many streams threads were given up, the last time, and how long until more
  // are tried: longer after each try in vain.
  Clock::time_point given_up_{};
  std::size_t given_up_active_ = 0;
  std::chrono::milliseconds rest_;
};

}  // namespace strata::digest
