#include "strata/io/worker_pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace strata::io {

struct WorkerPool::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<std::function<void()>> tasks;
  bool stopping = false;
  std::size_t busy = 0;  // threads that run a task
  std::vector<std::thread> threads;

  void run() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return stopping || !tasks.empty(); });
      if (tasks.empty()) return;
      auto task = std::move(tasks.front());
      tasks.pop_front();
      ++busy;
      lock.unlock();
      task();
      task = nullptr;  // what it held is released outside the lock
      lock.lock();
      --busy;
    }
  }
};

WorkerPool::WorkerPool(std::string name, std::size_t threads) : state_(std::make_unique<State>()) {
  for (std::size_t i = 0; i < std::max<std::size_t>(1, threads); ++i) {
    state_->threads.emplace_back([this] { state_->run(); });
    pthread_setname_np(state_->threads.back().native_handle(), name.substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void WorkerPool::post(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->tasks.push_back(std::move(task));
  }
  state_->wake.notify_one();
}

std::size_t WorkerPool::threads() const {
  return state_->threads.size();
}

std::size_t WorkerPool::idle() const {
  const std::lock_guard lock(state_->mutex);
  const std::size_t wanted = state_->busy + state_->tasks.size();
  return state_->threads.size() - std::min(state_->threads.size(), wanted);
}

struct SerialQueue::State : std::enable_shared_from_this<SerialQueue::State> {
  explicit State(WorkerPool& p) : pool(p) {}
  WorkerPool& pool;
  std::mutex mutex;
  std::deque<std::function<void()>> tasks;
  bool running = false;

  // One task, then back to the end of the pool's queue: uploads share the threads fairly.
  void run_one() {
    std::function<void()> task;
    {
      const std::lock_guard lock(mutex);
      task = std::move(tasks.front());
      tasks.pop_front();
    }
    task();
    task = nullptr;
    const std::lock_guard lock(mutex);
    if (tasks.empty()) {
      running = false;
    } else {
      pool.post([self = shared_from_this()] { self->run_one(); });
    }
  }
};

SerialQueue::SerialQueue(WorkerPool& pool) : state_(std::make_shared<State>(pool)) {}
SerialQueue::~SerialQueue() = default;

void SerialQueue::post(std::function<void()> task) {
  const std::lock_guard lock(state_->mutex);
  state_->tasks.push_back(std::move(task));
  if (!state_->running) {
    state_->running = true;
    state_->pool.post([state = state_] { state->run_one(); });
  }
}

std::size_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

}  // namespace strata::io
