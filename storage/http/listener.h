#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>

#include "storage/http/connection.h"
#include "storage/http/network_thread.h"

namespace strata::http {

// Accepts on the first network thread and hands connections to all of them in turn.
class Listener {
 public:
  Listener(ServerContext& server, std::deque<NetworkThread>& threads);
  [[nodiscard]] Status open(const std::string& host, std::uint16_t port);  // before start()
  void start();
  void close();  // on the first thread
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  [[nodiscard]] Awaitable<void> accept_all();
  void hand_over(NetworkThread& thread, boost::asio::ip::tcp::socket socket,
                 const boost::asio::ip::tcp::endpoint& peer);

  ServerContext& server_;
  std::deque<NetworkThread>& threads_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::uint16_t port_ = 0;
};

}  // namespace strata::http
