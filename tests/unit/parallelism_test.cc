#include "storage/digest/parallelism.h"

#include <gtest/gtest.h>

#include <vector>

namespace strata::digest {
namespace {

using namespace std::chrono_literals;

// Like a real one: a byte of four streams together costs less than one of a stream alone.
double falling(std::size_t active, std::size_t threads) {
  const std::size_t streams = (active + threads - 1) / threads;
  if (streams >= 16) return 0.35;
  if (streams >= 8) return 0.45;
  return streams >= 4 ? 0.7 : 1;
}
double level(std::size_t, std::size_t) {
  return 1;
}

class ParallelismTest : public testing::Test {
 protected:
  // Turns for so long: `threads` of them side by side, each with `wall` of 10 ms, `cpu` of it.
  void run(Parallelism& parallelism, std::chrono::milliseconds time, std::size_t active,
           std::chrono::milliseconds wall, std::chrono::milliseconds cpu) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += 10ms;
      for (std::size_t i = parallelism.allowed(); i > 0; --i) {
        parallelism.turn(now_, wall, cpu, active);
      }
    }
  }
  Parallelism::Clock::time_point now_{1h};
};

TEST_F(ParallelismTest, ThreadsThatAreBusyStay) {
  Parallelism parallelism(4, falling);
  run(parallelism, 10s, 64, 10ms, 10ms);
  EXPECT_EQ(parallelism.allowed(), 4U);
}

TEST_F(ParallelismTest, FullerLanesOnOneThreadReplaceTwoThatShareAProcessor) {
  Parallelism parallelism(2, falling);
  run(parallelism, 300ms, 4, 10ms, 7ms);  // 1.4 processors at cost 1 are 0.98 at 0.7
  EXPECT_EQ(parallelism.allowed(), 1U);
}

TEST_F(ParallelismTest, NotWhenOneThreadWouldDigestLess) {
  Parallelism parallelism(2, falling);
  run(parallelism, 10s, 4, 10ms, 10ms);  // 2 processors at cost 1 are 1.4 at 0.7
  EXPECT_EQ(parallelism.allowed(), 2U);
  Parallelism without_lanes(2, level);
  run(without_lanes, 10s, 4, 10ms, 7ms);
  EXPECT_EQ(without_lanes.allowed(), 2U);
}

TEST_F(ParallelismTest, ASlowStreamNeedsOneThread) {
  Parallelism parallelism(8, level);
  run(parallelism, 300ms, 1, 2ms, 2ms);
  EXPECT_LE(parallelism.allowed(), 2U);
}

// SHA-512 on one thread and the rest on another: 1.5 times the CPU time of one pass.
double helped(std::size_t active, std::size_t threads) {
  return active == 1 && threads > 1 ? 1.5 : 1;
}

TEST_F(ParallelismTest, AHelperStaysWhereItHasAProcessorToItself) {
  Parallelism parallelism(2, helped);
  for (int i = 0; i < 1000; ++i) parallelism.turn(now_ += 10ms, 10ms, 18ms, 1);
  EXPECT_EQ(parallelism.allowed(), 2U);
}

TEST_F(ParallelismTest, AndGoesWhereItHasNot) {
  Parallelism parallelism(2, helped);
  for (int i = 0; i < 20; ++i) parallelism.turn(now_ += 10ms, 10ms, 14ms, 1);
  EXPECT_EQ(parallelism.allowed(), 1U);
}

TEST_F(ParallelismTest, AThreadComesBackWhenTheOthersAreAlwaysBusy) {
  Parallelism parallelism(2, falling);
  run(parallelism, 300ms, 4, 10ms, 5ms);
  ASSERT_EQ(parallelism.allowed(), 1U);
  run(parallelism, 1s, 16, 10ms, 10ms);
  EXPECT_EQ(parallelism.allowed(), 2U);
}

// Each try in vain costs some turns with emptier lanes.
TEST_F(ParallelismTest, AThreadIsTriedEverMoreRarely) {
  Parallelism parallelism(2, falling);
  std::vector<int> tries;  // in each of some seconds
  for (int second = 0; second < 10; ++second) {
    int count = 0;
    for (int i = 0; i < 100; ++i) {
      const std::size_t before = parallelism.allowed();
      run(parallelism, 10ms, 4, 10ms, before == 2 ? 6ms : 10ms);
      if (parallelism.allowed() > before) ++count;
    }
    tries.push_back(count);
  }
  EXPECT_GE(tries.front(), 2);
  EXPECT_LE(tries.front(), 4);
  EXPECT_LE(tries[8] + tries[9], 1);
}

TEST_F(ParallelismTest, ThreadsThatRestComeNotBack) {
  Parallelism parallelism(2, falling);
  run(parallelism, 300ms, 4, 10ms, 5ms);
  ASSERT_EQ(parallelism.allowed(), 1U);
  run(parallelism, 10s, 4, 5ms, 5ms);
  EXPECT_EQ(parallelism.allowed(), 1U);
}

// The first turn after an idle hour is not judged as one in an hour.
TEST_F(ParallelismTest, APauseIsNotIdleness) {
  Parallelism parallelism(2, level);
  run(parallelism, 500ms, 16, 10ms, 10ms);
  now_ += 1h;
  run(parallelism, 500ms, 16, 10ms, 10ms);
  EXPECT_EQ(parallelism.allowed(), 2U);
}

TEST_F(ParallelismTest, OneThreadIsAlwaysLeft) {
  Parallelism parallelism(1, falling);
  run(parallelism, 1s, 16, 1ms, 0ms);
  EXPECT_EQ(parallelism.allowed(), 1U);
}

}  // namespace
}  // namespace strata::digest
