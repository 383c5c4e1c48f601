#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "storage/digest/lane_kernels.h"
#include "storage/digest/lane_plan.h"
#include "tests/support/random_data.h"

// For tests of kernels for lanes: plans that nobody would make, so that every kernel gets its turn.
namespace strata::test {

struct ForcedPlans {
  std::string name;
  std::size_t lanes;
  digest::Algorithms algorithm;
  digest::LanePlans plans;
};

// For each kernel for lanes that this processor has, plans that use nothing else, however few
// streams there are.
[[nodiscard]] inline std::vector<ForcedPlans> forced_plans() {
  using digest::Algorithms, digest::KernelCosts;
  std::vector<ForcedPlans> list;
  const auto add = [&](Algorithms algorithm, const auto& kernels, double KernelCosts::*single,
                       std::vector<double> KernelCosts::*lanes) {
    for (std::size_t k = 0; k < kernels.size(); ++k) {
      if (!kernels[k].supported) continue;
      KernelCosts costs;
      costs.*single = 2;
      (costs.*lanes).assign(kernels.size(), digest::kImpossible);
      (costs.*lanes)[k] = 1;
      list.push_back({std::string(kernels[k].name), kernels[k].lanes, algorithm,
                      digest::make_lane_plans(costs, algorithm)});
    }
  };
  add(Algorithms::kSha1, digest::sha1_lane_kernels(), &KernelCosts::sha1, &KernelCosts::sha1_lanes);
  add(Algorithms::kSha256, digest::sha256_lane_kernels(), &KernelCosts::sha256,
      &KernelCosts::sha256_lanes);
  add(Algorithms::kSha512, digest::sha512_lane_kernels(), &KernelCosts::sha512,
      &KernelCosts::sha512_lanes);
  return list;
}

// Of kernels that may or may not be possible; the single functions always are.
[[nodiscard]] inline digest::KernelCosts random_costs(RandomData& random) {
  const auto cost = [&](double most) {
    return std::uniform_real_distribution<double>(1, most)(random.engine());
  };
  const auto perhaps = [&](double most) {
    return random.below(3) == 0 ? digest::kImpossible : cost(most);
  };
  digest::KernelCosts costs;
  costs.all = perhaps(15);
  costs.pair = perhaps(10);
  costs.sha1 = cost(10);
  costs.sha256 = cost(10);
  costs.sha512 = cost(10);
  for (std::size_t k = 0; k < digest::sha1_lane_kernels().size(); ++k) {
    costs.sha1_lanes.push_back(perhaps(30));
    costs.sha256_lanes.push_back(perhaps(30));
    costs.sha512_lanes.push_back(perhaps(30));
  }
  return costs;
}

// Without what this processor does not have.
[[nodiscard]] inline digest::KernelCosts runnable(digest::KernelCosts costs) {
  if (digest::single_functions().pair == nullptr) costs.pair = digest::kImpossible;
  const auto clear = [](const auto& kernels, std::vector<double>& of) {
    for (std::size_t k = 0; k < kernels.size(); ++k) {
      if (!kernels[k].supported) of[k] = digest::kImpossible;
    }
  };
  clear(digest::sha1_lane_kernels(), costs.sha1_lanes);
  clear(digest::sha256_lane_kernels(), costs.sha256_lanes);
  clear(digest::sha512_lane_kernels(), costs.sha512_lanes);
  return costs;
}

}  // namespace strata::test
