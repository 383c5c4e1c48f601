#include "registry/service/rate_limiter.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iterator>

namespace strata::registry {
namespace {

constexpr double kMinuteMillis = 60'000;
constexpr UnixMillis kSweepMillis = 1'000;  // so that a crowd of new peers does not buy one each

}  // namespace

RateLimiter::RateLimiter(std::size_t per_minute, const Clock& clock, std::size_t peers_max)
    : burst_(static_cast<double>(per_minute)),
      clock_(clock),
      peers_max_(peers_max),
      overflow_{burst_, clock.now()} {}

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

void RateLimiter::refill(Bucket& bucket, UnixMillis now) const {
  const auto passed = static_cast<double>(std::max<UnixMillis>(now - bucket.filled, 0));
  bucket.tokens = std::min(burst_, bucket.tokens + passed * burst_ / kMinuteMillis);
  bucket.filled = now;
}

RateLimiter::Bucket& RateLimiter::bucket_of(const std::string& group, UnixMillis now) {
  const auto known = buckets_.find(group);
  if (known != buckets_.end()) return known->second;
  if (buckets_.size() >= peers_max_ && std::abs(now - swept_) >= kSweepMillis) {
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
  const UnixMillis now = clock_.now();
  const std::string group = group_of(peer_address);
  const std::lock_guard lock(mutex_);
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
