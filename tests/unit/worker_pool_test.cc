#include "strata/io/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <numeric>
#include <vector>

namespace strata::io {
namespace {

TEST(WorkerPool, RunsWhatIsQueuedBeforeItJoins) {
  std::atomic<int> ran = 0;
  {
    WorkerPool pool("test", 2);
    EXPECT_EQ(pool.threads(), 2u);
    for (int i = 0; i < 1000; ++i) pool.post([&ran] { ++ran; });
  }
  EXPECT_EQ(ran, 1000);
}

TEST(WorkerPool, HasAtLeastOneThread) {
  std::atomic<bool> ran = false;
  {
    WorkerPool pool("a name that is longer than the kernel allows", 0);
    EXPECT_EQ(pool.threads(), 1u);
    pool.post([&ran] { ran = true; });
  }
  EXPECT_TRUE(ran);
}

TEST(WorkerPool, RunsTasksAtTheSameTime) {
  WorkerPool pool("test", 2);
  std::latch both(3);
  // Each waits for the other: with one thread this would never end.
  for (int i = 0; i < 2; ++i) pool.post([&both] { both.arrive_and_wait(); });
  both.arrive_and_wait();
}

TEST(WorkerPool, ReleasesWhatATaskHeld) {
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> watch = held;
  {
    WorkerPool pool("test", 1);
    pool.post([held = std::move(held)] {});
  }
  EXPECT_TRUE(watch.expired());
}

TEST(SerialQueue, KeepsOrderAndNeverOverlaps) {
  constexpr int kQueues = 4, kTasks = 500;
  std::vector<std::vector<int>> seen(kQueues);  // unguarded: TSan watches
  {
    WorkerPool pool("test", 3);
    std::vector<std::unique_ptr<SerialQueue>> queues;
    for (int q = 0; q < kQueues; ++q) queues.push_back(std::make_unique<SerialQueue>(pool));
    for (int i = 0; i < kTasks; ++i) {
      for (std::size_t q = 0; q < kQueues; ++q) {
        queues[q]->post([&seen, q, i] { seen[q].push_back(i); });
      }
    }
    // The queues go first: their tasks run nevertheless.
  }
  std::vector<int> expected(kTasks);
  std::iota(expected.begin(), expected.end(), 0);
  for (const auto& order : seen) EXPECT_EQ(order, expected);
}

TEST(SerialQueue, SharesThePoolFairly) {
  WorkerPool pool("test", 1);
  std::latch start(1), done(1);
  std::vector<int> order;  // one thread
  pool.post([&] { start.wait(); });
  SerialQueue busy(pool), other(pool);
  for (int i = 0; i < 3; ++i) busy.post([&] { order.push_back(0); });
  other.post([&] { order.push_back(1); });
  busy.post([&] { done.count_down(); });
  start.count_down();
  done.wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 0, 0}));
}

TEST(UsableCpus, IsAtLeastOne) {
  EXPECT_GE(usable_cpus(), 1u);
}

}  // namespace
}  // namespace strata::io
