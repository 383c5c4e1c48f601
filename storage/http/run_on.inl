#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <optional>
#include <type_traits>

namespace strata::http {

template <typename F>
auto run_on(io::WorkerPool& pool, F function) -> Awaitable<std::invoke_result_t<F>> {
  using T = std::invoke_result_t<F>;
  static_assert(!std::is_void_v<T>, "return a Status");
  auto executor = co_await boost::asio::this_coro::executor;
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(T)>(
      [&pool, executor](auto handler, F work) {
        // std::function wants copyable tasks: the handler and the work live in one shared state,
        // whose sharers are the pool's task and then the posted completion.
        struct State {
          decltype(handler) completion;
          F work;
          boost::asio::executor_work_guard<boost::asio::any_io_executor> guard;
          std::optional<T> result;
        };
        auto state =
            std::make_shared<State>(State{std::move(handler), std::move(work),
                                          boost::asio::make_work_guard(executor), std::nullopt});
        pool.post([state] {
          state->result.emplace(state->work());
          auto to = state->guard.get_executor();
          boost::asio::post(to, [state] {
            state->guard.reset();
            std::move(state->completion)(std::move(*state->result));
          });
        });
      },
      boost::asio::use_awaitable, std::move(function));
}

}  // namespace strata::http
