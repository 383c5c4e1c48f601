#include "storage/http/server.h"

#include <boost/asio/post.hpp>
#include <deque>
#include <mutex>

#include "storage/http/listener.h"
#include "strata/base/log.h"

namespace strata::http {

struct Server::Impl {
  Impl(ServerOptions o, const Limits& limits, Handler& handler, io::WorkerPool& disk_pool,
       Metrics& metrics)
      : options(std::move(o)),
        context(limits, handler, disk_pool, metrics),
        threads(std::max<std::size_t>(1, options.threads)),
        listener(context, threads) {}

  // Runs `function` on every connection, on its thread.
  template <typename F>
  void on_connections(F function) {
    for (NetworkThread& thread : threads) {
      boost::asio::post(thread.context(), [&thread, function] { thread.for_each(function); });
    }
  }

  void end(std::chrono::milliseconds patience) {
    const std::lock_guard lock(ending);
    if (!running) return;
    running = false;
    context.draining = true;
    boost::asio::post(threads.front().context(), [this] { listener.close(); });
    on_connections([](Connection& connection) { connection.drain(); });
    if (!context.admission.wait_empty_for(patience)) {
      context.cutting = true;
      on_connections([](Connection& connection) { connection.cut(); });
      context.admission.wait_empty();
    }
    context.cutting = true;  // for one that was being accepted while the count was zero
    for (NetworkThread& thread : threads) thread.finish();
  }

  ServerOptions options;
  ServerContext context;
  std::deque<NetworkThread> threads;
  Listener listener;
  std::mutex ending;
  bool bound = false;
  bool running = false;
};

Server::Server(ServerOptions options, const Limits& limits, Handler& handler,
               io::WorkerPool& disk_pool, Metrics& metrics)
    : impl_(std::make_unique<Impl>(std::move(options), limits, handler, disk_pool, metrics)) {}

Server::~Server() {
  stop();
}

Status Server::bind() {
  check(!impl_->bound, "bind() of a server that listens");
  const Status open = impl_->listener.open(impl_->options.host, impl_->options.port);
  impl_->bound = open.has_value();
  return open;
}

Status Server::start() {
  check(!impl_->running, "start() of a server that runs");
  if (!impl_->bound) {
    if (const Status open = bind(); !open) return open;
  }
  impl_->running = true;
  impl_->listener.start();
  for (std::size_t i = 0; i < impl_->threads.size(); ++i) impl_->threads[i].start(i);
  return {};
}

std::uint16_t Server::port() const {
  return impl_->listener.port();
}

void Server::drain() {
  impl_->end(impl_->context.limits.drain_timeout);
}

void Server::stop() {
  impl_->end(std::chrono::milliseconds(0));
}

}  // namespace strata::http
