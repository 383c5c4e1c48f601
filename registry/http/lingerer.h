#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace strata::registry_http {

// Closes connections whose request was refused before its body was read. Closing such a socket at
// once makes the kernel send a reset, which can take the answer away from a client that is still
// sending. So the write side is closed and what still arrives is thrown away for a moment.
class Lingerer {
 public:
  Lingerer();
  ~Lingerer();
  Lingerer(const Lingerer&) = delete;
  Lingerer& operator=(const Lingerer&) = delete;

  // Shuts the write side of `descriptor` and keeps a duplicate of it: the caller closes its own.
  // Any thread, does not block. When there are too many already, does nothing.
  void take(int descriptor);

 private:
  struct Peer {
    int descriptor;
    std::chrono::steady_clock::time_point deadline;
    std::size_t discarded = 0;
  };
  void run();
  static bool finished(Peer& peer, bool readable);

  int wake_;  // eventfd
  std::mutex mutex_;
  std::vector<Peer> arrived_;  // with mutex_
  bool stopping_ = false;      // with mutex_
  std::thread thread_;
};

}  // namespace strata::registry_http
