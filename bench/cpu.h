#pragma once

#include <sched.h>

#include <string>

// The processor that figures belong to.
namespace strata::bench {

// As Linux names it: "AMD EPYC 9B45"; "unknown processor" where it does not.
[[nodiscard]] std::string cpu_model_name();

// Keeps the calling thread on one CPU while it lives, so that rows of one thread are all of the
// same core and none pays for a move. Threads started meanwhile are kept there too.
class PinnedThread {
 public:
  explicit PinnedThread(int cpu);
  ~PinnedThread();  // to where it was allowed before; on the same thread
  PinnedThread(const PinnedThread&) = delete;
  PinnedThread& operator=(const PinnedThread&) = delete;
  // False where the system does not let us.
  [[nodiscard]] bool pinned() const { return pinned_; }

 private:
  cpu_set_t before_;
  bool pinned_ = false;
};

}  // namespace strata::bench
