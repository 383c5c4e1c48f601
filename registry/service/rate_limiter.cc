#include "registry/service/rate_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <iterator>
#include <utility>

namespace strata::registry {
namespace {

constexpr double kMinuteMillis = 60'000;
constexpr std::chrono::seconds kSweepPause(
    1);  // so that a crowd of new peers does not buy one each

}  // namespace

RateLimiter::RateLimiter(std::size_t per_minute, std::size_t peers_max, Now now)
    : burst_(static_cast<double>(per_minute)),
      peers_max_(peers_max),
      now_(std::move(now)),
      swept_(now_() - kSweepPause),
      overflow_{burst_, now_()} {}

std::string RateLimiter::group_of(std::string_view peer_address) {
  std::string text(peer_address.substr(0, peer_address.find('%')));  // without a zone
  in6_addr address{};
  if (inet_pton(AF_INET6, text.c_str(), &address) != 1) return text;
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    inet_ntop(AF_INET, &address.s6_addr[12], out.data(), out.size());
    return out.data();
  }
  std::memset(&address.s6_addr[8], 0, 8);
  inet_ntop(AF_INET6, &address, out.data(), out.size());
  return std::string(out.data()) + "/64";
}

void RateLimiter::refill(Bucket& bucket, Time now) const {
  const std::chrono::duration<double, std::milli> passed = now - bucket.filled;
  bucket.tokens = std::min(burst_, bucket.tokens + passed.count() * burst_ / kMinuteMillis);
  bucket.filled = now;
}

RateLimiter::Bucket& RateLimiter::bucket_of(const std::string& group, Time now) {
  const auto known = buckets_.find(group);
  if (known != buckets_.end()) return known->second;
  if (buckets_.size() >= peers_max_ && now - swept_ >= kSweepPause) {
    swept_ = now;
    // A full bucket says no more than none. An empty one is full again after a minute.
    for (auto at = buckets_.begin(); at != buckets_.end();) {
      refill(at->second, now);
      at = at->second.tokens >= burst_ ? buckets_.erase(at) : std::next(at);
    }
  }
  if (buckets_.size() >= peers_max_) return overflow_;
  return buckets_.emplace(group, Bucket{burst_, now}).first->second;
}

std::chrono::seconds RateLimiter::take(std::string_view peer_address) {
  using std::chrono::seconds;
  if (burst_ == 0) return seconds(0);
  const std::string group = group_of(peer_address);
  const std::lock_guard lock(mutex_);
  const Time now = now_();  // behind the lock, so that no bucket sees it run backwards
  Bucket& bucket = bucket_of(group, now);
  refill(bucket, now);
  if (bucket.tokens >= 1) {
    bucket.tokens -= 1;
    return seconds(0);
  }
  const double wait_ms = (1 - bucket.tokens) * kMinuteMillis / burst_;
  return seconds(std::max<std::int64_t>(static_cast<std::int64_t>(std::ceil(wait_ms / 1000)), 1));
}

}  // namespace strata::registry
