#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

// Threads for work that blocks (the disk pool) or computes (the compute pool), so that network
// threads never do either.
namespace strata::io {

class WorkerPool {
 public:
  // `threads` threads named `name`. The queue itself is unbounded: each user holds at most as many
  // tasks as it has blocks, and blocks are bounded (limits.h: upload_blocks).
  WorkerPool(std::string name, std::size_t threads);
  ~WorkerPool();  // runs what is queued, then joins
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void post(std::function<void()> task);  // any thread; tasks must not throw
  [[nodiscard]] std::size_t threads() const;
  // Threads that wait for a task, at this moment.
  [[nodiscard]] std::size_t idle() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Runs its tasks one at a time and in order on a pool's threads, like asio::strand. A stage of an
// upload (its digests, its decoder, its writer) is one of these. Destroying it waits for nothing:
// tasks keep what they need alive themselves.
class SerialQueue {
 public:
  explicit SerialQueue(WorkerPool& pool);
  ~SerialQueue();
  SerialQueue(const SerialQueue&) = delete;
  SerialQueue& operator=(const SerialQueue&) = delete;
  void post(std::function<void()> task);  // any thread

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by the queue and the pool task that drains it
};

// Process-affinity aware: the number of CPUs this process may run on, at least 1.
[[nodiscard]] std::size_t usable_cpus();

}  // namespace strata::io
