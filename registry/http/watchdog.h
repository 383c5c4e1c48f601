#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "strata/base/limits.h"

namespace strata::registry_http {

// Cuts connections that take too long over a request. libmicrohttpd's own timeout starts anew with
// every byte, so a peer that sends one byte now and then would keep its connection for ever.
class Watchdog {
 public:
  class Connection;

  explicit Watchdog(const Limits& limits);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Any thread. A connection begins idle. `remove` comes before its descriptor is closed.
  [[nodiscard]] Connection* add(int descriptor);
  void remove(Connection* connection);

  void idle(Connection& connection);                       // waits for a request line
  void head(Connection& connection);                       // has one, waits for the blank line
  void body(Connection& connection, std::uint64_t bytes);  // has read that much more
  void busy(Connection& connection);                       // it is our turn

 private:
  using Time = std::chrono::steady_clock::time_point;
  void run();
  [[nodiscard]] bool too_slow(Connection& connection, Time now) const;

  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::unordered_set<Connection*> connections_;  // with mutex_, as all of their fields
  std::thread thread_;
};

}  // namespace strata::registry_http
