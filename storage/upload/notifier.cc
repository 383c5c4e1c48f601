#include "storage/upload/notifier.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <utility>

namespace strata::upload {
namespace asio = boost::asio;

std::uint64_t Notifier::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

void Notifier::notify() {
  std::vector<std::function<void()>> woken;
  {
    const std::lock_guard lock(mutex_);
    ++version_;
    woken.swap(waiting_);
  }
  for (const auto& wake : woken) wake();
}

asio::awaitable<void> Notifier::wait(std::uint64_t seen) {
  auto executor = co_await asio::this_coro::executor;
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [this, executor, seen](auto handler) {
        // std::function wants copyable callables; sharers are the list and the posted completion.
        struct Waiter {
          decltype(handler) completion;
          asio::executor_work_guard<asio::any_io_executor> guard;
        };
        auto waiter =
            std::make_shared<Waiter>(Waiter{std::move(handler), asio::make_work_guard(executor)});
        const auto wake = [waiter] {
          asio::post(waiter->guard.get_executor(), [waiter] {
            waiter->guard.reset();
            std::move(waiter->completion)();
          });
        };
        {
          const std::lock_guard lock(mutex_);
          if (version_ == seen) {
            waiting_.emplace_back(wake);
            return;
          }
        }
        wake();
      },
      asio::use_awaitable);
}

}  // namespace strata::upload
