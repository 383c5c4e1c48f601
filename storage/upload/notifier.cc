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
          std::mutex posting{};  // see http::run_on: the context outlives the post
        };
        auto waiter = std::shared_ptr<Waiter>(
            new Waiter{.completion = std::move(handler), .guard = asio::make_work_guard(executor)});
        const auto wake = [waiter] {
          const std::lock_guard posting(waiter->posting);
          asio::post(waiter->guard.get_executor(), [waiter] {
            { const std::lock_guard posted(waiter->posting); }
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
