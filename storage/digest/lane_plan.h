#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <vector>

#include "storage/digest/kernels.h"
#include "storage/digest/lane_kernels.h"
#include "strata/digest/hasher.h"

// Which kernels take how many streams. A kernel for lanes costs the same however few of its lanes
// are taken, so few streams are better off one after another in the stitched kernel, four in narrow
// lanes, sixteen in wide ones; where the limits are differs between processors by a factor of two
// (SHA-NI, width of the vector units), hence they are not written down but computed from costs that
// are measured once.
namespace strata::digest {

inline constexpr double kImpossible = std::numeric_limits<double>::infinity();

// Seconds for 128 bytes of a stream, or of every lane; kImpossible where there is no such kernel.
struct KernelCosts {
  double all = kImpossible;
  double pair = kImpossible;
  double sha1 = kImpossible;
  double sha256 = kImpossible;
  double sha512 = kImpossible;
  // In the order of sha1_lane_kernels() and so on.
  std::vector<double> sha1_lanes, sha256_lanes, sha512_lanes;
};

// Of what runs on this processor, less than a millisecond for each kernel.
[[nodiscard]] KernelCosts measure_kernel_costs(const BlockFunctions& single);

// One kernel for several streams; `kernel` null: the single function, for one stream.
template <typename State>
struct LaneTurn {
  const LaneKernel<State>* kernel = nullptr;
  std::size_t streams = 1;
};

// What to do with n streams of one set of algorithms. Streams 0 ... alone - 1 go through their own
// functions. Of the others, the first `paired` have SHA-1 and SHA-256 done by the function that
// stitches the two; the turns take the rest, in order and every one once.
struct LanePlan {
  double cost = 0;  // of 128 bytes of each of the n streams
  std::size_t alone = 0;
  std::size_t paired = 0;
  std::vector<LaneTurn<Sha1State>> sha1;      // streams from alone + paired on
  std::vector<LaneTurn<Sha256State>> sha256;  // likewise
  std::vector<LaneTurn<Sha512State>> sha512;  // streams from alone on
};

// The cheapest for 0 ... kLanesMax streams.
using LanePlans = std::array<LanePlan, kLanesMax + 1>;
[[nodiscard]] LanePlans make_lane_plans(const KernelCosts& costs, Algorithms algorithms);
// The functions for one stream that the plans count with: the best of our own for every algorithm
// by itself, for the pair and for all.
[[nodiscard]] const BlockFunctions& single_functions();
// As measured on this machine, at the first call.
[[nodiscard]] const KernelCosts& kernel_costs();
// With those costs.
[[nodiscard]] const LanePlans& lane_plans(Algorithms algorithms);

}  // namespace strata::digest
