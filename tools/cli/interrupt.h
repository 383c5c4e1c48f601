#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace strata::cli {

// While it exists, the first SIGINT or SIGTERM requests a stop instead of ending the process; a
// second one ends it. Signals that were ignored (nohup) stay so. Made before other threads, which
// inherit the signal mask.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] std::stop_token token() const { return stop_.get_token(); }

 private:
  void wait_for_signal(const std::stop_token& end);

  sigset_t signals_;
  sigset_t mask_before_;
  std::stop_source stop_;
  std::jthread thread_;
};

}  // namespace strata::cli
