#include "storage/digest/lane_kernels.h"

#include <array>

#include "storage/digest/cpu_features.h"

namespace strata::digest {

#if defined(__x86_64__)

std::span<const LaneKernel<Sha1State>> sha1_lane_kernels() {
  static const std::array<LaneKernel<Sha1State>, 3> kKernels = {{
      {"avx-512 sha-1 x16", 16, cpu_features().avx512, sha1_x16_avx512},
      {"avx-512vl sha-1 x8", 8, cpu_features().avx512, sha1_x8_avx512vl},
      {"avx2 sha-1 x8", 8, cpu_features().avx2, sha1_x8_avx2},
  }};
  return kKernels;
}

std::span<const LaneKernel<Sha256State>> sha256_lane_kernels() {
  static const std::array<LaneKernel<Sha256State>, 3> kKernels = {{
      {"avx-512 sha-256 x16", 16, cpu_features().avx512, sha256_x16_avx512},
      {"avx-512vl sha-256 x8", 8, cpu_features().avx512, sha256_x8_avx512vl},
      {"avx2 sha-256 x8", 8, cpu_features().avx2, sha256_x8_avx2},
  }};
  return kKernels;
}

std::span<const LaneKernel<Sha512State>> sha512_lane_kernels() {
  static const std::array<LaneKernel<Sha512State>, 3> kKernels = {{
      {"avx-512 sha-512 x8", 8, cpu_features().avx512, sha512_x8_avx512},
      {"avx-512vl sha-512 x4", 4, cpu_features().avx512, sha512_x4_avx512vl},
      {"avx2 sha-512 x4", 4, cpu_features().avx2, sha512_x4_avx2},
  }};
  return kKernels;
}

#else

std::span<const LaneKernel<Sha1State>> sha1_lane_kernels() {
  return {};
}
std::span<const LaneKernel<Sha256State>> sha256_lane_kernels() {
  return {};
}
std::span<const LaneKernel<Sha512State>> sha512_lane_kernels() {
  return {};
}

#endif

}  // namespace strata::digest
