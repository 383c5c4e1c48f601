#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>

#include "strata/base/result.h"

namespace strata::client {

// Time as retrying sees it; tests put in a double that does not sleep. Any thread.
class RetryTime {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  virtual ~RetryTime() = default;
  [[nodiscard]] virtual Instant now() = 0;
  virtual void wait(std::chrono::milliseconds time, const std::stop_token& stop) = 0;
  // From 0 up to, not including, 1: so that clients that were cut together do not come back
  // together.
  [[nodiscard]] virtual double jitter() = 0;
};

// The clock, and waits that a stop request ends.
[[nodiscard]] RetryTime& real_time();

// How long a transfer that makes no headway is tried again. Both bounds may be set; none: for ever.
struct RetryPolicy {
  std::optional<int> retries_max;
  std::optional<std::chrono::milliseconds> patience;  // since the first failure; 0: no retry
  std::uint64_t headway_bytes = 1;                    // less between two failures is no headway
  std::chrono::milliseconds wait_first{200};          // then doubled
  std::chrono::milliseconds wait_max{5'000};
  bool jitter = false;  // waits are between half and all of the doubled time
};

// When one of several transfers that belong together made headway last: none of them is given up
// while another one moves. Any thread.
class Headway {
 public:
  void mark(RetryTime::Instant now) { last_ = now.time_since_epoch().count(); }
  [[nodiscard]] RetryTime::Instant last() const {
    return RetryTime::Instant(RetryTime::Instant::duration(last_));
  }

 private:
  std::atomic<RetryTime::Instant::rep> last_ = RetryTime::Instant::min().time_since_epoch().count();
};

// Counts the failures of one transfer, and waits between them. One thread.
class Retry {
 public:
  explicit Retry(const RetryPolicy& policy, RetryTime& time = real_time(),
                 const Headway* headway = nullptr)
      : policy_(policy), time_(time), headway_(headway) {}

  struct Verdict {
    enum class Kind : std::uint8_t {
      kFinal,   // no retry mends this error
      kGiveUp,  // one might, but there were enough
      kWait,    // `wait`, then again
    };
    Kind kind;
    std::chrono::milliseconds wait{};
  };
  // Counts `error`. `retry_after`: how long the server asks to be left alone.
  [[nodiscard]] Verdict judge(const Error& error,
                              std::optional<std::chrono::milliseconds> retry_after = std::nullopt);
  // Judges and waits: whether to try again. False after a stop request too.
  [[nodiscard]] bool again(const Error& error, const std::stop_token& stop);
  // Bytes arrived: a transfer that makes headway is not given up.
  void advance(std::uint64_t bytes);

 private:
  [[nodiscard]] std::chrono::milliseconds next_wait() const;

  const RetryPolicy policy_;
  RetryTime& time_;
  const Headway* headway_;
  int failures_ = 0;
  RetryTime::Instant first_failure_;  // of `failures_`
  std::uint64_t since_failure_ = 0;
};

}  // namespace strata::client
