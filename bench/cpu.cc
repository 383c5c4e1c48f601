#include "bench/cpu.h"

#include <fstream>

#include "strata/base/result.h"

namespace strata::bench {

std::string cpu_model_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(':');
    if (!line.starts_with("model name") || colon == std::string::npos) continue;
    const auto name = line.find_first_not_of(' ', colon + 1);
    if (name != std::string::npos) return line.substr(name);
  }
  return "unknown processor";
}

PinnedThread::PinnedThread(int cpu) {
  CPU_ZERO(&before_);
  cpu_set_t one;
  CPU_ZERO(&one);
  if (cpu < 0 || cpu >= CPU_SETSIZE) return;
  CPU_SET(cpu, &one);
  pinned_ = sched_getaffinity(0, sizeof before_, &before_) == 0 &&
            sched_setaffinity(0, sizeof one, &one) == 0;
}

PinnedThread::~PinnedThread() {
  if (!pinned_) return;
  check(sched_setaffinity(0, sizeof before_, &before_) == 0, "a thread's CPUs are given back");
}

}  // namespace strata::bench
