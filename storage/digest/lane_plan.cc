#include "storage/digest/lane_plan.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "storage/digest/algorithms.h"
#include "storage/digest/stream.h"

namespace strata::digest {
namespace {

// Fits the first cache together with the tables; long enough for the clock.
constexpr std::size_t kMeasuredBytes = 4096;
// Wide vectors need up to half a millisecond to come up to speed on some processors, and a busy
// machine takes turns away: the best of many is neither.
constexpr auto kMeasuredTime = std::chrono::microseconds(700);

template <typename Run>
double cost_of(const Run& run) {
  using Clock = std::chrono::steady_clock;
  std::chrono::duration<double> best = kMeasuredTime;
  const auto begun = Clock::now();
  for (auto start = begun; start - begun < kMeasuredTime;) {
    run();
    const auto end = Clock::now();
    best = std::min<std::chrono::duration<double>>(best, end - start);
    start = end;
  }
  return best.count() * kStreamBlockBytes / kMeasuredBytes;
}

template <typename State>
std::vector<double> lane_costs(std::span<const LaneKernel<State>> kernels,
                               std::size_t block_bytes) {
  const std::vector<std::byte> data(kMeasuredBytes);
  std::array<State, kLanesMax> states;
  std::array<State*, kLanesMax> lanes{};
  std::ranges::transform(states, lanes.begin(), [](State& state) { return &state; });
  std::array<const std::byte*, kLanesMax> inputs{};
  inputs.fill(data.data());
  std::vector<double> costs;
  for (const auto& kernel : kernels) {
    costs.push_back(!kernel.supported ? kImpossible : cost_of([&] {
      kernel.run(lanes.data(), inputs.data(), kMeasuredBytes / block_bytes);
    }));
  }
  return costs;
}

template <typename State>
struct Cover {
  double cost = kImpossible;
  std::vector<LaneTurn<State>> turns;
};

// The cheapest turns for 0 ... kLanesMax streams: a kernel takes as many as it has lanes, or what
// is left.
template <typename State>
std::array<Cover<State>, kLanesMax + 1> covers(double single,
                                               std::span<const LaneKernel<State>> kernels,
                                               const std::vector<double>& costs) {
  std::array<Cover<State>, kLanesMax + 1> best;
  best[0].cost = 0;
  for (std::size_t n = 1; n <= kLanesMax; ++n) {
    const auto offer = [&](double cost, const LaneKernel<State>* kernel, std::size_t streams) {
      const auto& before = best[n - streams];
      if (before.cost + cost >= best[n].cost) return;
      best[n] = {before.cost + cost, before.turns};
      best[n].turns.push_back({kernel, streams});
    };
    offer(single, nullptr, 1);
    for (std::size_t k = 0; k < costs.size(); ++k) {
      offer(costs[k], &kernels[k], std::min(n, kernels[k].lanes));
    }
  }
  return best;
}

}  // namespace

KernelCosts measure_kernel_costs(const BlockFunctions& single) {
  const std::vector<std::byte> data(kMeasuredBytes);
  constexpr std::size_t kSteps = kMeasuredBytes / kStreamBlockBytes;
  Sha1State sha1;
  Sha256State sha256;
  Sha512State sha512;
  const std::byte* const d = data.data();
  KernelCosts costs;
  if (single.all) costs.all = cost_of([&] { single.all(sha1, sha256, sha512, d, kSteps); });
  if (single.pair) costs.pair = cost_of([&] { single.pair(sha1, sha256, d, 2 * kSteps); });
  if (single.sha1) costs.sha1 = cost_of([&] { single.sha1(sha1, d, 2 * kSteps); });
  if (single.sha256) costs.sha256 = cost_of([&] { single.sha256(sha256, d, 2 * kSteps); });
  if (single.sha512) costs.sha512 = cost_of([&] { single.sha512(sha512, d, kSteps); });
  costs.sha1_lanes = lane_costs(sha1_lane_kernels(), 64);
  costs.sha256_lanes = lane_costs(sha256_lane_kernels(), 64);
  costs.sha512_lanes = lane_costs(sha512_lane_kernels(), 128);
  return costs;
}

LanePlans make_lane_plans(const KernelCosts& costs, Algorithms algorithms) {
  const bool sha1 = has(algorithms, Algorithms::kSha1);
  const bool sha256 = has(algorithms, Algorithms::kSha256);
  const bool sha512 = has(algorithms, Algorithms::kSha512);
  const auto of_sha1 = covers(costs.sha1, sha1_lane_kernels(), costs.sha1_lanes);
  const auto of_sha256 = covers(costs.sha256, sha256_lane_kernels(), costs.sha256_lanes);
  const auto of_sha512 = covers(costs.sha512, sha512_lane_kernels(), costs.sha512_lanes);
  // A stream by itself goes through its own functions, which are these.
  double alone_cost = costs.all;
  if (!sha1 || !sha256 || !sha512) {
    alone_cost = sha512 ? costs.sha512 : 0;
    if (sha1 && sha256) {
      alone_cost += std::min(costs.pair, costs.sha1 + costs.sha256);
    } else {
      alone_cost += (sha1 ? costs.sha1 : 0) + (sha256 ? costs.sha256 : 0);
    }
  }
  LanePlans plans;
  for (std::size_t n = 1; n <= kLanesMax; ++n) {
    LanePlan& best = plans[n];
    best = {static_cast<double>(n) * alone_cost, n, 0, {}, {}, {}};
    for (std::size_t alone = 0; alone < n; ++alone) {
      const std::size_t rest = n - alone;
      for (std::size_t paired = 0; paired <= (sha1 && sha256 ? rest : 0); ++paired) {
        const std::size_t laned = rest - paired;
        double cost = alone == 0 ? 0 : static_cast<double>(alone) * alone_cost;
        if (paired > 0) cost += static_cast<double>(paired) * costs.pair;
        if (sha1) cost += of_sha1[laned].cost;
        if (sha256) cost += of_sha256[laned].cost;
        if (sha512) cost += of_sha512[rest].cost;
        if (cost >= best.cost) continue;
        best = {cost, alone, paired, {}, {}, {}};
        if (sha1) best.sha1 = of_sha1[laned].turns;
        if (sha256) best.sha256 = of_sha256[laned].turns;
        if (sha512) best.sha512 = of_sha512[rest].turns;
      }
    }
  }
  return plans;
}

const BlockFunctions& single_functions() {
  static const BlockFunctions kFunctions = [] {
    BlockFunctions functions;
    for (const auto set : {Algorithms::kAll, Algorithms::kSha1Sha256, Algorithms::kSha1,
                           Algorithms::kSha256, Algorithms::kSha512}) {
      functions = merged(functions, own_functions(set));
    }
    return functions;
  }();
  return kFunctions;
}

const KernelCosts& kernel_costs() {
  static const KernelCosts kCosts = measure_kernel_costs(single_functions());
  return kCosts;
}

const LanePlans& lane_plans(Algorithms algorithms) {
  static const std::array<LanePlans, 8> kPlans = [] {
    std::array<LanePlans, 8> plans;
    for (unsigned bits = 1; bits < 8; ++bits) {
      plans[bits] = make_lane_plans(kernel_costs(), static_cast<Algorithms>(bits));
    }
    return plans;
  }();
  return kPlans.at(static_cast<std::size_t>(algorithms));
}

}  // namespace strata::digest
