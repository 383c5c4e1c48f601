#pragma once

#include <string_view>

#include "strata/base/result.h"

namespace strata::digest {

// The instruction sets that kernels are written for: what the processor has and the operating
// system saves. All false on other architectures than x86-64.
struct CpuFeatures {
  bool sha_ni = false;  // SHA extensions, SSE4.1
  bool avx2 = false;    // AVX2, BMI1, BMI2
  bool avx512 = false;  // AVX-512 F, BW and VL, BMI1, BMI2; every processor with VL has BW
  bool intel = false;   // the vendor, where the same instructions differ in speed

  bool operator==(const CpuFeatures&) const = default;
};

// By CPUID, every time.
[[nodiscard]] CpuFeatures detect_cpu_features();

// `features` without those that `allowed` does not name: a list as "sha-ni,avx2", or "none".
// kUsage names a word that is not an instruction set, and those that are.
[[nodiscard]] Result<CpuFeatures> restricted(CpuFeatures features, std::string_view allowed);

// What is used in this process: detected once, restricted by the environment variable
// STRATA_DIGEST_ISA if it is set. A wrong value ends the process with a message: it would measure
// or test something else than was asked for.
[[nodiscard]] const CpuFeatures& cpu_features();

}  // namespace strata::digest
