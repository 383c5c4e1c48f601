#include "registry/service/rate_limiter.h"

#include <gtest/gtest.h>

namespace strata::registry {
namespace {

using std::chrono::seconds;

class HandClock {
 public:
  // The clock outlives what it is given to.
  [[nodiscard]] RateLimiter::Now now() const {
    return [this] { return now_; };
  }
  void advance(std::int64_t millis) { now_ += std::chrono::milliseconds(millis); }

 private:
  RateLimiter::Time now_{std::chrono::hours(1)};
};

TEST(RateLimiter, LetsABurstThroughAndThenTheRate) {
  HandClock clock;
  RateLimiter limiter(6, 100, clock.now());
  for (int i = 0; i < 6; ++i) EXPECT_EQ(limiter.take("192.0.2.1"), seconds(0)) << i;
  EXPECT_EQ(limiter.take("192.0.2.1"), seconds(10));
  EXPECT_EQ(limiter.take("192.0.2.2"), seconds(0));
  clock.advance(4'000);
  EXPECT_EQ(limiter.take("192.0.2.1"), seconds(6));
  clock.advance(6'000);
  EXPECT_EQ(limiter.take("192.0.2.1"), seconds(0));
  EXPECT_EQ(limiter.take("192.0.2.1"), seconds(10));
  clock.advance(3'600'000);  // no more than a burst is saved up
  for (int i = 0; i < 6; ++i) EXPECT_EQ(limiter.take("192.0.2.1"), seconds(0)) << i;
  EXPECT_NE(limiter.take("192.0.2.1"), seconds(0));
}

TEST(RateLimiter, ZeroIsNoLimit) {
  HandClock clock;
  RateLimiter limiter(0, 100, clock.now());
  for (int i = 0; i < 10'000; ++i) ASSERT_EQ(limiter.take("192.0.2.1"), seconds(0));
}

TEST(RateLimiter, PeersAreCountedByWhatOneCustomerHas) {
  EXPECT_EQ(RateLimiter::group_of("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(RateLimiter::group_of("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(RateLimiter::group_of("2001:db8:0:1:aaaa::1"), "2001:db8:0:1::/64");
  EXPECT_EQ(RateLimiter::group_of("2001:db8:0:1::2"), "2001:db8:0:1::/64");
  EXPECT_EQ(RateLimiter::group_of("2001:db8:0:2::2"), "2001:db8:0:2::/64");
  EXPECT_EQ(RateLimiter::group_of("fe80::1%eth0"), "fe80::/64");
  EXPECT_EQ(RateLimiter::group_of("unknown"), "unknown");
}

TEST(RateLimiter, ManyPeersShareWhatIsLeft) {
  HandClock clock;
  RateLimiter limiter(2, 3, clock.now());
  for (const char* peer : {"a", "b", "c"}) EXPECT_EQ(limiter.take(peer), seconds(0));
  EXPECT_EQ(limiter.take("d"), seconds(0));
  EXPECT_EQ(limiter.take("e"), seconds(0));
  EXPECT_NE(limiter.take("f"), seconds(0));  // d, e and f had two together
  EXPECT_EQ(limiter.take("a"), seconds(0));  // who was there keeps his own
  clock.advance(60'000);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limiter.take("f"), seconds(0));  // places are free again
  EXPECT_NE(limiter.take("f"), seconds(0));
}

// Of its own it goes by a clock that nobody sets: what an hour forth and back would have filled
// stays empty.
TEST(RateLimiter, TheClockIsSteady) {
  static_assert(RateLimiter::Time::clock::is_steady);
  RateLimiter limiter(1);
  EXPECT_EQ(limiter.take("a"), seconds(0));
  EXPECT_GE(limiter.take("a"), seconds(50));
}

}  // namespace
}  // namespace strata::registry
