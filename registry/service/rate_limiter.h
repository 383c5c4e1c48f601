#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "strata/base/clock.h"

namespace strata::registry {

// So many requests a minute from one peer, in one burst or spread (a token bucket for each). An
// IPv6 peer is its /64, which one customer has to himself. Any thread; memory is bounded.
class RateLimiter {
 public:
  // per_minute 0: no limit. The clock outlives the limiter.
  RateLimiter(std::size_t per_minute, const Clock& clock, std::size_t peers_max = 65'536);

  // Zero: go on. Else how long until this peer may try again, at least a second.
  [[nodiscard]] std::chrono::seconds take(std::string_view peer_address);

  // What is counted together: "192.0.2.1", "2001:db8:0:1::/64"; other texts as they are.
  [[nodiscard]] static std::string group_of(std::string_view peer_address);

 private:
  struct Bucket {
    double tokens;
    UnixMillis filled;  // when `tokens` was right
  };
  Bucket& bucket_of(const std::string& group, UnixMillis now);  // with mutex_
  void refill(Bucket& bucket, UnixMillis now) const;

  const double burst_;
  const Clock& clock_;
  const std::size_t peers_max_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
  UnixMillis swept_ = 0;
  Bucket overflow_;  // shared by peers that find no place of their own
};

}  // namespace strata::registry
