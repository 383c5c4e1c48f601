#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace strata::cli {

// How far a transfer is, on standard error: a bar with rate and time left on a terminal, redrawn a
// few times a second; elsewhere a plain line at the end.
class ProgressBar {
 public:
  explicit ProgressBar(std::string what);
  void update(std::uint64_t done, std::uint64_t total);
  // A line of its own, above the bar.
  void note(const std::string& line);
  // Ends the bar's line and says how much went how fast.
  void finish();

 private:
  void draw(std::chrono::steady_clock::time_point now);

  const std::string what_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
  std::uint64_t first_ = 0;  // what an earlier run had done: not part of the rate
  bool started_ = false;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace strata::cli
