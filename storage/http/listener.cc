#include "storage/http/listener.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "strata/base/log.h"

namespace strata::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// After a failed accept (no descriptor left): connections that end make room.
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

Listener::Listener(ServerContext& server, std::deque<NetworkThread>& threads)
    : server_(server),
      threads_(threads),
      acceptor_(threads.front().context()),
      pause_(threads.front().context()) {}

Status Listener::open(const std::string& host, std::uint16_t port) {
  boost::system::error_code error;
  tcp::resolver resolver(threads_.front().context());
  const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
  if (error || found.empty())
    return Error(Errc::kMalformed, "not an address to listen on: " + host);
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  // Accepted sockets inherit it (Linux): small answers must not wait for the peer's delayed ACK.
  if (!error) acceptor_.set_option(tcp::no_delay(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (!error) port_ = acceptor_.local_endpoint(error).port();
  if (!error) return {};
  const std::string where = "cannot listen on " + host + ":" + std::to_string(port) + ": ";
  const bool taken = error == asio::error::address_in_use;
  return Error(taken ? Errc::kConflict : Errc::kIo, where + error.message());
}

void Listener::start() {
  asio::co_spawn(threads_.front().context(), accept_all(), asio::detached);
}

void Listener::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
}

Awaitable<void> Listener::accept_all() {
  for (std::size_t turn = 0; acceptor_.is_open(); ++turn) {
    NetworkThread& thread = threads_[turn % threads_.size()];
    boost::system::error_code error;
    tcp::endpoint peer;
    tcp::socket socket = co_await acceptor_.async_accept(
        thread.context(), peer, asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
      hand_over(thread, std::move(socket), peer);
    } else if (error != asio::error::operation_aborted &&
               error != asio::error::connection_aborted) {
      log::warn("accept.failed", {{"why", error.message()}});
      pause_.expires_after(kPause);
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, error));
    }
  }
}

void Listener::hand_over(NetworkThread& thread, tcp::socket socket, const tcp::endpoint& peer) {
  if (server_.draining) return;
  Admission::Slot slot = server_.admission.enter(peer.address().to_string());
  if (!slot) return;
  auto connection =
      std::make_shared<Connection>(server_, thread, std::move(socket), std::move(slot));
  asio::post(thread.context(), [connection = std::move(connection)] { connection->start(); });
}

}  // namespace strata::http
