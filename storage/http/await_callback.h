#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "storage/http/server.h"

namespace strata::http {

// Awaits work that calls back, from a connection's coroutine; resumes on its thread. `start` is
// called at once, on this thread; what it is given is called once, on any thread, maybe at once.
template <typename T>
Awaitable<T> await_callback(std::function<void(std::function<void(T)>)> start) {
  namespace asio = boost::asio;
  auto executor = co_await asio::this_coro::executor;
  std::optional<T> result =
      co_await asio::async_initiate<const asio::use_awaitable_t<>&, void(std::optional<T>)>(
          [executor](auto handler, const auto& begin) {
            // Its sharers are the callback and then the posted completion.
            struct Waiter {
              decltype(handler) completion;
              asio::executor_work_guard<asio::any_io_executor> guard;
              std::optional<T> result{};
              std::mutex posting{};  // see run_on: the context outlives the post
            };
            auto waiter = std::shared_ptr<Waiter>(new Waiter{
                .completion = std::move(handler), .guard = asio::make_work_guard(executor)});
            begin([waiter](T value) {
              waiter->result.emplace(std::move(value));
              const std::lock_guard posting(waiter->posting);
              asio::post(waiter->guard.get_executor(), [waiter] {
                { const std::lock_guard posted(waiter->posting); }
                waiter->guard.reset();
                std::move(waiter->completion)(std::move(waiter->result));
              });
            });
          },
          asio::use_awaitable, std::move(start));
  co_return *std::move(result);
}

}  // namespace strata::http
