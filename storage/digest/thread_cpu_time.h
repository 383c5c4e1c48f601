#pragma once

#include <chrono>
#include <ctime>

namespace strata::digest {

// How long the calling thread has had a processor.
[[nodiscard]] inline std::chrono::nanoseconds thread_cpu_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace strata::digest
