#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <ctime>
#include <string>
#include <thread>
#include <unordered_set>

#include "strata/base/clock.h"

namespace strata::http {

class Connection;

// One io_context, its thread, and what the connections that live there share without locks. All
// members but the constructor, start(), finish() and context() belong to the thread.
class NetworkThread {
 public:
  NetworkThread();
  ~NetworkThread();
  void start(std::size_t number);
  // Lets the thread end when its last work is done, and joins it.
  void finish();
  [[nodiscard]] boost::asio::io_context& context() { return context_; }

  void add(Connection& connection);
  void remove(Connection& connection);
  template <typename F>
  void for_each(F function) {
    for (Connection* connection : connections_) function(*connection);
  }

  [[nodiscard]] std::string_view date();  // IMF-fixdate of now, made once a second
  [[nodiscard]] std::string new_request_id();

 private:
  void arm_tick();

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  // One timer for all deadlines of the thread: connections only note a time point.
  boost::asio::steady_timer tick_;
  bool ticking_ = false;
  std::thread thread_;
  std::unordered_set<Connection*> connections_;
  std::time_t date_second_ = 0;
  std::string date_;
  SystemRandom random_;
  std::array<std::uint8_t, 1024> random_bytes_{};  // one getrandom(2) for many ids
  std::size_t random_used_ = random_bytes_.size();
};

}  // namespace strata::http
