#include "storage/digest/cpu_features.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace strata::digest {
namespace {

struct Name {
  std::string_view text;
  bool CpuFeatures::*member;
};
constexpr std::array<Name, 3> kNames = {{
    {"sha-ni", &CpuFeatures::sha_ni},
    {"avx2", &CpuFeatures::avx2},
    {"avx-512", &CpuFeatures::avx512},
}};

}  // namespace

#if defined(__x86_64__)
CpuFeatures detect_cpu_features() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool leaf = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0;
  CpuFeatures features;
  features.sha_ni = leaf && (ebx & 1U << 29) != 0 && __builtin_cpu_supports("sse4.1");
  // __builtin_cpu_supports also asks whether the operating system saves the registers.
  const bool bmi = __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  features.avx2 = bmi && __builtin_cpu_supports("avx2");
  features.avx512 = bmi && __builtin_cpu_supports("avx512f") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  features.intel = __builtin_cpu_is("intel");
  return features;
}
#else
CpuFeatures detect_cpu_features() {
  return {};
}
#endif

Result<CpuFeatures> restricted(CpuFeatures features, std::string_view allowed) {
  CpuFeatures named;
  if (allowed == "none") allowed = {};
  for (std::string_view rest = allowed; !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    bool known = false;
    for (const Name& name : kNames) {
      if (word != name.text) continue;
      named.*name.member = true;
      known = true;
    }
    if (!known) {
      return Error(Errc::kUsage,
                   "\"" + std::string(word) +
                       "\" is not an instruction set; known are sha-ni, avx2 and avx-512, in a "
                       "list with commas, or none");
    }
  }
  for (const Name& name : kNames) features.*name.member &= named.*name.member;
  return features;
}

const CpuFeatures& cpu_features() {
  static const CpuFeatures kFeatures = [] {
    const CpuFeatures detected = detect_cpu_features();
    const char* allowed = std::getenv("STRATA_DIGEST_ISA");
    if (allowed == nullptr) return detected;
    const auto features = restricted(detected, allowed);
    if (!features) {
      std::fprintf(stderr, "STRATA_DIGEST_ISA: %s\n", features.error().message().c_str());
      std::exit(2);
    }
    return *features;
  }();
  return kFeatures;
}

}  // namespace strata::digest
