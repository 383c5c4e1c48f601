#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>

namespace strata::test {

// Ends the process when a phase of a test takes too long, and says which one it was: a test that
// hangs tells nothing. Thread-safe.
class Watchdog {
 public:
  explicit Watchdog(std::chrono::seconds patience)
      : patience_(patience), thread_([this](const std::stop_token& stop) { watch(stop); }) {}

  void phase(std::string name) {
    const std::lock_guard lock(mutex_);
    phase_ = std::move(name);
    since_ = std::chrono::steady_clock::now();
  }

 private:
  void watch(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      changed_.wait_for(lock, stop, std::chrono::milliseconds(100), [] { return false; });
      if (std::chrono::steady_clock::now() - since_ < patience_) continue;
      std::fprintf(stderr, "it hangs: %s\n", phase_.c_str());
      std::abort();
    }
  }

  const std::chrono::seconds patience_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::string phase_ = "start";
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::jthread thread_;  // last: it uses everything above
};

}  // namespace strata::test
