#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>

#include "strata/base/metrics.h"

struct MHD_Connection;

namespace strata::registry_http {

// Requests that wait for something to happen, without a thread each: libmicrohttpd forgets their
// connections (it neither times them out nor sees that a peer has gone) until they are resumed, and
// then runs their handler again. One thread here does that for all of them: when something
// happened, when a request's time is over, and when its peer has closed or broken the connection.
class Parking {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Parking(std::size_t connections_max, Gauge& waiting);
  ~Parking();  // as close()
  Parking(const Parking&) = delete;
  Parking& operator=(const Parking&) = delete;

  // What a request remembers while it waits; outlives its stay here.
  struct Ticket {
    bool over = false;  // it must be answered now, whatever there is
  };

  // How often wake() was called. A request reads it before it looks for what it wants, and hands it
  // to park(), so that what happens between the two is not missed.
  [[nodiscard]] std::uint64_t wakes() const;

  enum class Outcome : std::uint8_t {
    kParked,   // the connection is suspended: do not touch it, nor the ticket
    kMissed,   // wake() was called since: look again
    kRefused,  // too many wait, or close() was called: answer now
  };
  // Only from the access handler of `connection`. `descriptor` is its socket.
  [[nodiscard]] Outcome park(MHD_Connection* connection, int descriptor, Ticket& ticket,
                             std::uint64_t wakes, Time until);

  // Something happened: all who wait look again. Any thread; does not wait for them.
  void wake();
  // All who wait are answered, and nobody can wait any more. libmicrohttpd must not be stopped
  // before. Any thread, also again.
  void close();

 private:
  struct Parked {
    MHD_Connection* connection;
    int descriptor;
    Ticket* ticket;
    Time until;
  };
  void run();
  // With mutex_ held.
  void resume(const Parked& parked, bool over);
  void resume_all(bool over);
  void resume_expired();

  const std::size_t connections_max_;
  Gauge& waiting_;
  const int epoll_;
  const int event_;  // eventfd, in epoll_ under the number 0
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Parked> parked_;  // with mutex_; by number, in the order of arrival
  std::uint64_t last_number_ = 0;           // with mutex_
  std::uint64_t wakes_ = 0;                 // with mutex_
  bool woken_ = false;                      // with mutex_: run() has not yet acted on a wake()
  bool closed_ = false;                     // with mutex_
  std::thread thread_;
};

}  // namespace strata::registry_http
