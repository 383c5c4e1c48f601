#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/client/retry.h"
#include "tests/support/retry_time.h"

namespace strata::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::QuickTime;
using ::testing::ElementsAre;
using Kind = Retry::Verdict::Kind;

const Error kLost(Errc::kConnectionLost, "lost");

TEST(Retry, WaitsAreDoubledUpToTheMost) {
  QuickTime time;
  RetryPolicy policy;
  policy.retries_max = 5;
  policy.wait_first = milliseconds(100);
  policy.wait_max = milliseconds(500);
  Retry retry(policy, time);
  while (retry.again(kLost, {})) {
  }
  EXPECT_THAT(time.waits(), ElementsAre(milliseconds(100), milliseconds(200), milliseconds(400),
                                        milliseconds(500), milliseconds(500)));
}

TEST(Retry, HeadwayBeginsAnew) {
  QuickTime time;
  RetryPolicy policy;
  policy.retries_max = 2;
  policy.headway_bytes = 10;
  Retry retry(policy, time);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(retry.again(kLost, {}));
    retry.advance(9);
    EXPECT_TRUE(retry.again(kLost, {}));
    retry.advance(1);
  }
  EXPECT_TRUE(retry.again(kLost, {}));
  EXPECT_TRUE(retry.again(kLost, {}));
  EXPECT_FALSE(retry.again(kLost, {}));
}

TEST(Retry, PatienceIsOfTheTimeSinceTheFirstFailure) {
  QuickTime time;
  RetryPolicy policy;
  policy.patience = seconds(10);
  policy.wait_first = seconds(4);
  policy.wait_max = seconds(60);
  Retry retry(policy, time);
  time.wait(seconds(1000), {});  // a long transfer without failures
  EXPECT_EQ(retry.judge(kLost).wait, seconds(4));
  time.wait(seconds(4), {});
  EXPECT_EQ(retry.judge(kLost).wait, seconds(6)) << "not 8: the end of the time is tried too";
  time.wait(seconds(6), {});
  EXPECT_EQ(retry.judge(kLost).kind, Kind::kGiveUp);
}

TEST(Retry, NoneIsGivenUpWhileAnotherMoves) {
  QuickTime time;
  Headway headway;
  RetryPolicy policy;
  policy.patience = seconds(10);
  policy.wait_first = policy.wait_max = seconds(8);
  Retry retry(policy, time, &headway);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(retry.judge(kLost).kind, Kind::kWait);
    time.wait(seconds(8), {});
    headway.mark(time.now());
  }
  EXPECT_TRUE(retry.again(kLost, {}));
  EXPECT_TRUE(retry.again(kLost, {}));
  EXPECT_FALSE(retry.again(kLost, {}));
}

TEST(Retry, WhatTheServerAsksForIsHonoured) {
  QuickTime time;
  RetryPolicy policy;
  policy.patience = seconds(10);
  Retry retry(policy, time);
  const Error busy(Errc::kUnavailable, "busy");
  EXPECT_EQ(retry.judge(busy, seconds(7)).wait, seconds(7));
  EXPECT_EQ(retry.judge(busy, seconds(11)).kind, Kind::kGiveUp) << "longer than it would wait";
  const Error full(Errc::kNoSpace, "full");
  EXPECT_EQ(retry.judge(full).kind, Kind::kFinal);
  EXPECT_EQ(retry.judge(full, seconds(1)).kind, Kind::kWait);
}

TEST(Retry, WhatNoRetryMends) {
  for (const Errc code : {Errc::kCancelled, Errc::kIo, Errc::kNotFound, Errc::kForbidden,
                          Errc::kTooLarge, Errc::kVerification}) {
    QuickTime time;
    RetryPolicy policy;
    Retry retry(policy, time);
    EXPECT_EQ(retry.judge(Error(code, "")).kind, Kind::kFinal);
    EXPECT_FALSE(retry.again(Error(code, ""), {}));
    EXPECT_TRUE(time.waits().empty());
  }
}

TEST(Retry, JitterIsTheUpperHalf) {
  QuickTime time;  // 0.5
  RetryPolicy policy;
  policy.wait_first = milliseconds(1000);
  policy.jitter = true;
  EXPECT_EQ(Retry(policy, time).judge(kLost).wait, milliseconds(750));
  for (int i = 0; i < 100; ++i) {
    const double jitter = real_time().jitter();
    EXPECT_TRUE(jitter >= 0 && jitter < 1);
  }
}

}  // namespace
}  // namespace strata::client
