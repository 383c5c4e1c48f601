#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>

#include "storage/upload/notifier.h"

namespace strata::upload {
namespace {
namespace asio = boost::asio;

TEST(Notifier, AChangeSinceTheLookIsNotWaitedFor) {
  Notifier changed;
  const auto seen = changed.version();
  changed.notify();
  asio::io_context context;
  bool woken = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        co_await changed.wait(seen);
        woken = true;
      },
      asio::detached);
  context.run();
  EXPECT_TRUE(woken);
}

// Many waiters of several executors, woken from several threads; nobody misses the end.
TEST(Notifier, NobodyMissesAChange) {
  constexpr int kTarget = 2000;
  Notifier changed;
  std::atomic<int> value{0};
  std::atomic<int> ended{0};
  std::vector<asio::io_context> contexts(2);
  for (asio::io_context& context : contexts) {
    for (int i = 0; i < 5; ++i) {
      asio::co_spawn(
          context,
          [&]() -> asio::awaitable<void> {
            for (;;) {
              const auto seen = changed.version();
              if (value >= kTarget) break;
              co_await changed.wait(seen);
            }
            ++ended;
          },
          asio::detached);
    }
  }
  std::vector<std::jthread> threads;
  for (asio::io_context& context : contexts) threads.emplace_back([&] { context.run(); });
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kTarget / 2; ++j) {
        ++value;
        changed.notify();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(ended, 10);
}

}  // namespace
}  // namespace strata::upload
