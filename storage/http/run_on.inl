#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <type_traits>

namespace strata::http {

template <typename F>
auto run_on(io::WorkerPool& pool, F function) -> Awaitable<std::invoke_result_t<F>> {
  using T = std::invoke_result_t<F>;
  static_assert(!std::is_void_v<T>, "return a Status");
  struct Outcome {
    std::optional<T> result;
    std::exception_ptr exception;  // of the work: thrown again where it is awaited
  };
  auto executor = co_await boost::asio::this_coro::executor;
  Outcome outcome =
      co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void(Outcome)>(
          [&pool, executor](auto handler, F work) {
            // std::function wants copyable tasks: the handler and the work live in one shared
            // state, whose sharers are the pool's task and then the posted completion.
            struct State {
              State(decltype(handler)&& c, F&& w, const boost::asio::any_io_executor& e)
                  : completion(std::move(c)), work(std::move(w)), guard(e) {}
              decltype(handler) completion;
              F work;
              boost::asio::executor_work_guard<boost::asio::any_io_executor> guard;
              Outcome outcome;
              // Held while the completion is posted: its executor's context may go away as soon as
              // it has run, and must not do so under the thread that is still in post().
              std::mutex posting;
            };
            auto state = std::make_shared<State>(std::move(handler), std::move(work), executor);
            pool.post([state] {
              try {
                state->outcome.result.emplace(state->work());
              } catch (...) {
                state->outcome.exception = std::current_exception();
              }
              auto to = state->guard.get_executor();
              const std::lock_guard posting(state->posting);
              boost::asio::post(to, [state] {
                { const std::lock_guard posted(state->posting); }
                state->guard.reset();
                std::move(state->completion)(std::move(state->outcome));
              });
            });
          },
          boost::asio::use_awaitable, std::move(function));
  if (outcome.exception) std::rethrow_exception(outcome.exception);
  co_return *std::move(outcome.result);
}

}  // namespace strata::http
