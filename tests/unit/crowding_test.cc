#include "storage/digest/crowding.h"

#include <gtest/gtest.h>

namespace strata::digest {
namespace {

using namespace std::chrono_literals;

class CrowdingTest : public testing::Test {
 protected:
  // A turn of 5 ms that got a processor for `cpu` of it, ending `gap` after the one before.
  void turn(Crowding& crowding, std::chrono::nanoseconds cpu, std::chrono::milliseconds gap = 5ms) {
    now_ += gap;
    crowding.turn(now_, 5ms, cpu);
  }
  Crowding::Clock::time_point now_{1h};
};

TEST_F(CrowdingTest, AllThreadsAreAllowedWhileNothingWaits) {
  Crowding crowding(4);
  for (int i = 0; i < 1000; ++i) turn(crowding, 5ms);
  EXPECT_EQ(crowding.allowed(), 4U);
}

TEST_F(CrowdingTest, TurnsThatWaitForAProcessorTakeThreadsAwayButOne) {
  Crowding crowding(4);
  turn(crowding, 4ms);
  EXPECT_EQ(crowding.allowed(), 3U);
  for (int i = 0; i < 1000; ++i) turn(crowding, 4ms);
  EXPECT_EQ(crowding.allowed(), 1U);
}

TEST_F(CrowdingTest, OneBurstCountsOnce) {
  Crowding crowding(4);
  for (int i = 0; i < 4; ++i) turn(crowding, 3ms, 1ms);
  EXPECT_EQ(crowding.allowed(), 3U);
}

TEST_F(CrowdingTest, ThreadsComeBackOneByOneWhenItIsCalm) {
  Crowding crowding(2);
  turn(crowding, 1ms);
  ASSERT_EQ(crowding.allowed(), 1U);
  turn(crowding, 5ms, 100ms);
  EXPECT_EQ(crowding.allowed(), 1U);
  turn(crowding, 5ms, 101ms);
  EXPECT_EQ(crowding.allowed(), 2U);
  turn(crowding, 5ms, 1000ms);
  EXPECT_EQ(crowding.allowed(), 2U);
}

TEST_F(CrowdingTest, SignsOfCrowdingKeepThemAway) {
  Crowding crowding(2);
  turn(crowding, 1ms);
  for (int i = 0; i < 100; ++i) {
    turn(crowding, 5ms, 50ms);
    turn(crowding, 1ms, 50ms);
    EXPECT_EQ(crowding.allowed(), 1U);
  }
}

TEST_F(CrowdingTest, ManyThreadsGoByQuarters) {
  Crowding crowding(64);
  turn(crowding, 1ms);
  EXPECT_EQ(crowding.allowed(), 48U);
}

TEST_F(CrowdingTest, TurnsTooShortToTellAreNotJudged) {
  Crowding crowding(2);
  now_ += 1s;
  crowding.turn(now_, 400us, 0us);
  EXPECT_EQ(crowding.allowed(), 2U);
}

}  // namespace
}  // namespace strata::digest
