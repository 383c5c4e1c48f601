#include "storage/digest/parallelism.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace strata::digest {
namespace {

using namespace std::chrono_literals;

// Like a real one: a processor does more bytes the more streams it has together.
double rising(std::size_t active, std::size_t threads) {
  const double streams = static_cast<double>(active) / static_cast<double>(threads);
  return std::min(2.3, 0.8 + 0.2 * std::max(1.0, streams));
}
double level(std::size_t, std::size_t) {
  return 1;
}
// SHA-512 on one thread and the rest on another: 1.5 times the CPU time of one pass.
double helped(std::size_t active, std::size_t threads) {
  return active == 1 && threads > 1 ? 1 / 1.5 : 1;
}

class ParallelismTest : public testing::Test {
 protected:
  // Turns for so long, one beside the other on every allowed thread that has a stream: each takes
  // 10 ms or less, when `processors` are there for all of them.
  void run(Parallelism& parallelism, std::chrono::milliseconds time, std::size_t active,
           double processors, std::chrono::nanoseconds wall = 10ms) {
    for (const auto end = now_ + time; now_ < end;) {
      now_ += 10ms;
      const std::size_t turns = std::min(parallelism.allowed(), active);
      const double share = std::min(1.0, processors / static_cast<double>(turns));
      const auto cpu = std::chrono::duration_cast<std::chrono::nanoseconds>(wall * share);
      for (std::size_t i = turns; i > 0; --i) parallelism.turn(now_, wall, cpu, active);
    }
  }
  Parallelism::Clock::time_point now_{1h};
};

TEST_F(ParallelismTest, ThreadsWithAProcessorEachStayHoweverManyTheyAre) {
  for (const std::size_t threads : {1, 2, 3, 4, 8, 12, 16, 64}) {
    for (const std::size_t active :
         {threads, threads + 1, 2 * threads, 16 * threads, 40 * threads}) {
      if (active == 1) continue;
      Parallelism parallelism(threads, rising);
      run(parallelism, 3s, active, 1000);
      EXPECT_EQ(parallelism.allowed(), threads) << active << " streams";
    }
  }
}

TEST_F(ParallelismTest, FullerLanesOnOneThreadReplaceTwoThatShareAProcessor) {
  Parallelism parallelism(2, rising);
  run(parallelism, 300ms, 4, 1.2);  // 1.2 at 1.2 are as much as 0.9 at 1.6
  EXPECT_EQ(parallelism.allowed(), 1U);
}

TEST_F(ParallelismTest, NotWhenOneThreadWouldDigestLess) {
  Parallelism parallelism(2, rising);
  run(parallelism, 10s, 4, 1.8);
  EXPECT_EQ(parallelism.allowed(), 2U);
  Parallelism without_lanes(2, level);
  run(without_lanes, 10s, 4, 1.4);
  EXPECT_EQ(without_lanes.allowed(), 2U);
}

TEST_F(ParallelismTest, ManyThreadsGoDownToTheProcessorsThatAreThere) {
  Parallelism parallelism(16, rising);
  run(parallelism, 1s, 64, 5);
  EXPECT_GE(parallelism.allowed(), 4U);
  EXPECT_LE(parallelism.allowed(), 6U);
}

TEST_F(ParallelismTest, ASlowStreamNeedsOneThread) {
  Parallelism parallelism(8, level);
  run(parallelism, 500ms, 1, 1, 2ms);
  EXPECT_EQ(parallelism.allowed(), 1U);
}

TEST_F(ParallelismTest, AHelperStaysWhereItHasAProcessorToItself) {
  Parallelism parallelism(2, helped);
  for (int i = 0; i < 1000; ++i) parallelism.turn(now_ += 10ms, 10ms, 18ms, 1);
  EXPECT_EQ(parallelism.allowed(), 2U);
}

TEST_F(ParallelismTest, AndGoesWhereItHasNot) {
  Parallelism parallelism(2, helped);
  for (int i = 0; i < 10; ++i) parallelism.turn(now_ += 10ms, 10ms, 14ms, 1);
  EXPECT_EQ(parallelism.allowed(), 1U);
}

TEST_F(ParallelismTest, AllThreadsAreBackSoonAfterADip) {
  for (const std::size_t threads : {2, 4, 8, 16, 64}) {
    Parallelism parallelism(threads, rising);
    run(parallelism, 300ms, 4 * threads, 1);
    ASSERT_LT(parallelism.allowed(), threads);
    run(parallelism, 2s, 4 * threads, 1000);
    EXPECT_EQ(parallelism.allowed(), threads);
  }
}

// Each try in vain costs some turns with emptier lanes.
TEST_F(ParallelismTest, ThreadsAreTriedEverMoreRarelyInVain) {
  Parallelism parallelism(2, rising);
  std::vector<int> tries;  // in each of some seconds
  for (int second = 0; second < 10; ++second) {
    int count = 0;
    for (int i = 0; i < 100; ++i) {
      const std::size_t before = parallelism.allowed();
      run(parallelism, 10ms, 4, 1.2);
      if (parallelism.allowed() > before) ++count;
    }
    tries.push_back(count);
  }
  EXPECT_GE(tries.front(), 2);
  EXPECT_LE(tries.front(), 5);
  EXPECT_LE(tries[8] + tries[9], 1);
}

TEST_F(ParallelismTest, ButAtOnceWhenThereAreMoreStreams) {
  Parallelism parallelism(2, rising);
  run(parallelism, 10s, 4, 1.2);  // the next try is seconds away
  run(parallelism, 250ms, 4, 1.2);
  run(parallelism, 200ms, 40, 2);
  EXPECT_EQ(parallelism.allowed(), 2U);
}

TEST_F(ParallelismTest, ThreadsThatRestComeNotBack) {
  Parallelism parallelism(2, rising);
  run(parallelism, 300ms, 4, 1);
  ASSERT_EQ(parallelism.allowed(), 1U);
  run(parallelism, 10s, 4, 1, 5ms);
  EXPECT_EQ(parallelism.allowed(), 1U);
}

// The first turn after an idle hour is not judged as one in an hour.
TEST_F(ParallelismTest, APauseIsNotIdleness) {
  Parallelism parallelism(2, level);
  run(parallelism, 500ms, 16, 2);
  now_ += 1h;
  run(parallelism, 500ms, 16, 2);
  EXPECT_EQ(parallelism.allowed(), 2U);
}

TEST_F(ParallelismTest, OneThreadIsAlwaysLeft) {
  Parallelism parallelism(1, rising);
  run(parallelism, 1s, 16, 0, 1ms);
  EXPECT_EQ(parallelism.allowed(), 1U);
}

}  // namespace
}  // namespace strata::digest
