#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace strata::registry {

// So many requests a minute from one peer, in one burst or spread (a token bucket for each). An
// IPv6 peer is its /64, which one customer has to himself. Any thread; memory is bounded.
class RateLimiter {
 public:
  // Not the wall clock: one that is set forth fills all buckets at once.
  using Time = std::chrono::steady_clock::time_point;
  using Now = std::function<Time()>;  // any thread

  explicit RateLimiter(std::size_t per_minute,  // 0: no limit
                       std::size_t peers_max = 65'536, Now now = std::chrono::steady_clock::now);

  // Zero: go on. Else how long until this peer may try again, at least a second.
  [[nodiscard]] std::chrono::seconds take(std::string_view peer_address);

  // What is counted together: "192.0.2.1", "2001:db8:0:1::/64"; other texts as they are.
  [[nodiscard]] static std::string group_of(std::string_view peer_address);

 private:
  struct Bucket {
    double tokens;
    Time filled;  // when `tokens` was right
  };
  Bucket& bucket_of(const std::string& group, Time now);  // with mutex_
  void refill(Bucket& bucket, Time now) const;

  const double burst_;
  const std::size_t peers_max_;
  const Now now_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
  Time swept_;
  Bucket overflow_;  // shared by peers that find no place of their own
};

}  // namespace strata::registry
