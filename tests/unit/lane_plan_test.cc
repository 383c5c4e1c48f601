#include "storage/digest/lane_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "storage/digest/algorithms.h"
#include "tests/support/lane_plans.h"

namespace strata::digest {
namespace {

// What a stream costs by itself, all of its algorithms.
double alone_cost(const KernelCosts& costs, Algorithms set) {
  if (set == Algorithms::kAll) return costs.all;
  double cost = has(set, Algorithms::kSha512) ? costs.sha512 : 0;
  if (has(set, Algorithms::kSha1Sha256)) {
    return cost + std::min(costs.pair, costs.sha1 + costs.sha256);
  }
  if (has(set, Algorithms::kSha1)) cost += costs.sha1;
  if (has(set, Algorithms::kSha256)) cost += costs.sha256;
  return cost;
}

// Checks the turns of one algorithm, which are for `streams` ones, and adds up their costs.
template <typename State>
double cost_of(const std::vector<LaneTurn<State>>& turns, std::size_t streams, double single,
               std::span<const LaneKernel<State>> kernels, const std::vector<double>& costs) {
  double cost = 0;
  for (const auto& turn : turns) {
    EXPECT_GE(turn.streams, 1U);
    EXPECT_LE(turn.streams, turn.kernel == nullptr ? 1 : turn.kernel->lanes);
    EXPECT_LE(turn.streams, streams);
    streams -= turn.streams;
    if (turn.kernel == nullptr) {
      cost += single;
    } else {
      const auto at = static_cast<std::size_t>(turn.kernel - kernels.data());
      EXPECT_LT(at, kernels.size());
      cost += costs.at(at);
    }
  }
  EXPECT_EQ(streams, 0U);
  return cost;
}

// That the plan for n streams is one, and costs what it says.
void expect_whole(const LanePlan& plan, std::size_t n, Algorithms set, const KernelCosts& costs) {
  const bool sha1 = has(set, Algorithms::kSha1);
  const bool sha256 = has(set, Algorithms::kSha256);
  const bool sha512 = has(set, Algorithms::kSha512);
  ASSERT_LE(plan.alone + plan.paired, n);
  EXPECT_TRUE(plan.paired == 0 || (sha1 && sha256));
  const std::size_t rest = n - plan.alone;
  const std::size_t laned = rest - plan.paired;
  double cost = 0;
  if (plan.alone > 0) cost += static_cast<double>(plan.alone) * alone_cost(costs, set);
  if (plan.paired > 0) cost += static_cast<double>(plan.paired) * costs.pair;
  cost += cost_of(plan.sha1, sha1 ? laned : 0, costs.sha1, sha1_lane_kernels(), costs.sha1_lanes);
  cost += cost_of(plan.sha256, sha256 ? laned : 0, costs.sha256, sha256_lane_kernels(),
                  costs.sha256_lanes);
  cost += cost_of(plan.sha512, sha512 ? rest : 0, costs.sha512, sha512_lane_kernels(),
                  costs.sha512_lanes);
  EXPECT_TRUE(std::isfinite(cost)) << "names what is impossible";
  EXPECT_NEAR(plan.cost, cost, 1e-9 * cost);
}

class LanePlanProperty : public testing::TestWithParam<unsigned> {
 protected:
  [[nodiscard]] static Algorithms set() { return static_cast<Algorithms>(GetParam()); }
  test::RandomData random_;
};

TEST_P(LanePlanProperty, EveryStreamHasItsTurnOnceByPossibleKernels) {
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE("round " + std::to_string(round) + ", seed " + std::to_string(random_.seed()));
    const KernelCosts costs = test::random_costs(random_);
    const LanePlans plans = make_lane_plans(costs, set());
    for (std::size_t n = 1; n <= kLanesMax; ++n) expect_whole(plans[n], n, set(), costs);
    if (HasFailure()) return;
  }
}

TEST_P(LanePlanProperty, NoPlanCostsMoreThanWhatIsPlain) {
  for (int round = 0; round < 200; ++round) {
    SCOPED_TRACE("round " + std::to_string(round) + ", seed " + std::to_string(random_.seed()));
    const KernelCosts costs = test::random_costs(random_);
    const LanePlans plans = make_lane_plans(costs, set());
    constexpr double kRounding = 1 + 1e-9;
    for (std::size_t n = 1; n <= kLanesMax; ++n) {
      // All of them alone; two parts one after the other; one stream more.
      EXPECT_LE(plans[n].cost, static_cast<double>(n) * alone_cost(costs, set()) * kRounding) << n;
      for (std::size_t part = 1; part < n; ++part) {
        EXPECT_LE(plans[n].cost, (plans[part].cost + plans[n - part].cost) * kRounding)
            << n << ", " << part;
      }
      EXPECT_LE(plans[n - 1].cost, plans[n].cost * kRounding) << n;
    }
    if (HasFailure()) return;
  }
}

TEST_P(LanePlanProperty, WithoutKernelsForLanesThereAreSingleFunctions) {
  KernelCosts costs;
  costs.sha1 = 1;
  costs.sha256 = 2;
  costs.sha512 = 4;
  const LanePlans plans = make_lane_plans(costs, set());
  const double one = (has(set(), Algorithms::kSha1) ? 1 : 0) +
                     (has(set(), Algorithms::kSha256) ? 2 : 0) +
                     (has(set(), Algorithms::kSha512) ? 4 : 0);
  for (std::size_t n = 1; n <= kLanesMax; ++n) {
    expect_whole(plans[n], n, set(), costs);
    EXPECT_EQ(plans[n].cost, static_cast<double>(n) * one);
    EXPECT_EQ(plans[n].paired, 0U);
  }
}

TEST_P(LanePlanProperty, TheMeasuredOnesAreRunnable) {
  const LanePlans& plans = lane_plans(set());
  const auto expect_supported = [](const auto& turns) {
    for (const auto& turn : turns) EXPECT_TRUE(turn.kernel == nullptr || turn.kernel->supported);
  };
  for (std::size_t n = 1; n <= kLanesMax; ++n) {
    EXPECT_GT(plans[n].cost, 0);
    EXPECT_TRUE(std::isfinite(plans[n].cost));
    EXPECT_TRUE(plans[n].paired == 0 || single_functions().pair != nullptr);
    expect_supported(plans[n].sha1);
    expect_supported(plans[n].sha256);
    expect_supported(plans[n].sha512);
  }
}

INSTANTIATE_TEST_SUITE_P(Sets, LanePlanProperty, testing::Range(1U, 8U));

TEST(KernelCosts, AreMeasuredOfWhatIsThere) {
  const BlockFunctions& single = single_functions();
  const KernelCosts costs = measure_kernel_costs(single);
  EXPECT_EQ(std::isfinite(costs.all), single.all != nullptr);
  EXPECT_EQ(std::isfinite(costs.pair), single.pair != nullptr);
  for (const double cost : {costs.all, costs.pair, costs.sha1, costs.sha256, costs.sha512}) {
    EXPECT_GT(cost, 0);
  }
  EXPECT_LT(costs.sha1 + costs.sha256 + costs.sha512, 1e-3) << "seconds for 128 bytes";
  const auto expect_supported = [](const auto& kernels, const std::vector<double>& of) {
    ASSERT_EQ(of.size(), kernels.size());
    for (std::size_t k = 0; k < kernels.size(); ++k) {
      EXPECT_EQ(std::isfinite(of[k]), kernels[k].supported) << kernels[k].name;
      EXPECT_GT(of[k], 0) << kernels[k].name;
    }
  };
  expect_supported(sha1_lane_kernels(), costs.sha1_lanes);
  expect_supported(sha256_lane_kernels(), costs.sha256_lanes);
  expect_supported(sha512_lane_kernels(), costs.sha512_lanes);
  EXPECT_EQ(std::isfinite(measure_kernel_costs({}).sha1), false) << "a function that is not there";
}

#if defined(__x86_64__)
// Of the kernels for lanes: x16 or x8, then half as many lanes, twice.

template <typename State>
std::vector<std::size_t> lanes_of(const std::vector<LaneTurn<State>>& turns) {
  std::vector<std::size_t> lanes;
  for (const auto& turn : turns) lanes.push_back(turn.kernel == nullptr ? 1 : turn.kernel->lanes);
  std::ranges::sort(lanes, std::greater());
  return lanes;
}

TEST(LanePlan, WideLanesComeInWhenTheyPay) {
  KernelCosts costs;
  costs.sha1 = 1;
  costs.sha1_lanes = {6.5, 3.5, kImpossible};
  const LanePlans plans = make_lane_plans(costs, Algorithms::kSha1);
  using Lanes = std::vector<std::size_t>;
  for (std::size_t n = 1; n <= 3; ++n) EXPECT_EQ(plans[n].alone, n);
  for (std::size_t n = 4; n <= 8; ++n) EXPECT_EQ(lanes_of(plans[n].sha1), Lanes({8}));
  // Eight in narrow lanes and others by themselves, until that costs more than wide lanes.
  EXPECT_EQ(plans[9].cost, 4.5);
  EXPECT_EQ(plans[10].cost, 5.5);
  EXPECT_EQ(plans[10].alone + plans[10].sha1.size(), 3U);
  EXPECT_EQ(plans[11].cost, 6.5);
  for (std::size_t n = 12; n <= 16; ++n) {
    EXPECT_EQ(lanes_of(plans[n].sha1), Lanes({16})) << n;
    EXPECT_EQ(plans[n].alone, 0U);
    EXPECT_EQ(plans[n].cost, 6.5);
  }
}

TEST(LanePlan, TwoNarrowTurnsMayCostLessThanOneWideOne) {
  KernelCosts costs;
  costs.sha512 = 10;
  costs.sha512_lanes = {9, 4, kImpossible};
  const LanePlans plans = make_lane_plans(costs, Algorithms::kSha512);
  EXPECT_EQ(lanes_of(plans[8].sha512), (std::vector<std::size_t>{4, 4}));
  EXPECT_EQ(plans[5].cost, 8);
  EXPECT_EQ(plans[16].cost, 16);
}

TEST(LanePlan, TheCheaperOfTwoKernelsWithEqualLanesIsTaken) {
  KernelCosts costs;
  costs.sha256 = 10;
  costs.sha256_lanes = {kImpossible, 3, 2};
  const LanePlans plans = make_lane_plans(costs, Algorithms::kSha256);
  ASSERT_EQ(plans[8].sha256.size(), 1U);
  EXPECT_EQ(plans[8].sha256[0].kernel, &sha256_lane_kernels()[2]);
}

// Two of three algorithms in one function, the third in lanes.
TEST(LanePlan, FewStreamsArePairedWhileSha512IsInLanes) {
  KernelCosts costs;
  costs.all = 5;
  costs.pair = 1;
  costs.sha1 = 2;
  costs.sha256 = 2;
  costs.sha512 = 4.5;
  costs.sha1_lanes = {kImpossible, kImpossible, 3.5};
  costs.sha256_lanes = {kImpossible, kImpossible, 4};
  costs.sha512_lanes = {kImpossible, kImpossible, 6};
  const LanePlans plans = make_lane_plans(costs, Algorithms::kAll);
  // 5 alone, 1 + 4.5 in parts, 6 + 1 in a lane.
  EXPECT_EQ(plans[1].alone, 1U);
  // 2 * 5 alone, 2 * 1 + 6 with one turn of SHA-512.
  EXPECT_EQ(plans[2].alone, 0U);
  EXPECT_EQ(plans[2].paired, 2U);
  EXPECT_EQ(lanes_of(plans[2].sha512), (std::vector<std::size_t>{4}));
  EXPECT_EQ(plans[2].cost, 8);
  // The fifth alone: 4 * 1 + 6 + 5; with it, everything in lanes costs 3.5 + 4 + 2 * 6.
  EXPECT_EQ(plans[5].alone, 1U);
  EXPECT_EQ(plans[5].paired, 4U);
  EXPECT_EQ(plans[5].cost, 15);
  // 2 * 6 + 3.5 + 4, less than 2 * 6 + 8 * 1.
  EXPECT_EQ(plans[8].alone + plans[8].paired, 0U);
  EXPECT_EQ(plans[8].cost, 19.5);
}

TEST(LanePlan, WhereOneFunctionDoesAllFastestItDoesThemAlone) {
  KernelCosts costs;
  costs.all = 1;
  costs.pair = 1;
  costs.sha1 = 1;
  costs.sha256 = 1;
  costs.sha512 = 1;
  costs.sha1_lanes = {100, 100, 100};
  costs.sha256_lanes = {100, 100, 100};
  costs.sha512_lanes = {100, 100, 100};
  const LanePlans plans = make_lane_plans(costs, Algorithms::kAll);
  for (std::size_t n = 1; n <= kLanesMax; ++n) EXPECT_EQ(plans[n].alone, n);
}
#endif

}  // namespace
}  // namespace strata::digest
