#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "strata/base/metrics.h"

namespace strata::http {

// What is known of a request when its answer is over.
struct RequestRecord {
  std::string_view id;
  std::string_view method;  // "-" when the head could not be parsed
  std::string_view path;    // as sent, without the query (it may hold a ticket) and what
                            // Handler::loggable_path leaves out
  std::string_view peer;
  int status = 0;
  std::uint64_t received = 0;  // bytes from the socket, head included
  std::uint64_t sent = 0;      // bytes of the response, head included
  std::uint64_t promised = 0;  // content bytes the head announced
  std::chrono::steady_clock::duration duration{};
  // "ok", "client-abort" (the peer went away), "slow-peer", "malformed" (bad chunks),
  // "source-failed" (our fault), "stopped", "taken-over" (RequestBody::interrupt)
  std::string_view outcome = "ok";
};

// Metrics and the access log of a server; members are found once and held. Any thread.
class RequestLog {
 public:
  explicit RequestLog(Metrics& metrics);
  void write(const RequestRecord& record);
  Gauge& connections() { return connections_; }

 private:
  static constexpr int kStatusMin = 100;
  static constexpr int kStatuses = 500;
  static constexpr std::size_t kMethods = 8;
  Counter& requests(std::string_view method, int status);

  Metrics& metrics_;
  Counter& received_;
  Counter& sent_;
  Gauge& connections_;
  Histogram& seconds_;
  // Filled at the first request of each method and status.
  std::array<std::array<std::atomic<Counter*>, kStatuses>, kMethods> requests_{};
};

}  // namespace strata::http
