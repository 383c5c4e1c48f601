#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace strata::upload {

// Wakes coroutines of any executor from any thread: what a condition variable is to threads.
//
//   for (;;) {
//     const auto seen = changed.version();
//     if (condition()) break;
//     co_await changed.wait(seen);
//   }
//
// Must outlive its waiters.
class Notifier {
 public:
  Notifier() = default;
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  [[nodiscard]] std::uint64_t version() const;
  void notify();
  // Resumes on the caller's executor when the version is another than `seen`.
  [[nodiscard]] boost::asio::awaitable<void> wait(std::uint64_t seen);

 private:
  mutable std::mutex mutex_;
  std::uint64_t version_ = 0;
  std::vector<std::function<void()>> waiting_;
};

}  // namespace strata::upload
