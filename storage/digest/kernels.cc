#include "storage/digest/kernels.h"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace strata::digest {

#if defined(__x86_64__)
namespace {

bool has_sha_extensions() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const bool leaf = __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0;
  return leaf && (ebx & 1U << 29) != 0 && __builtin_cpu_supports("sse4.1");
}

// __builtin_cpu_supports also asks whether the operating system saves the registers.
bool has_avx512vl() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

std::array<Kernel, 4> find_kernels() {
  const bool sha = has_sha_extensions();
  const bool avx512 = sha && has_avx512vl();
  std::array<Kernel, 4> list = {{
      {"sha-ni stitched sha-1+sha-256", Algorithms::kSha1Sha256, sha, sha1_sha256_shani, nullptr,
       nullptr},
      {"sha-ni+avx-512vl stitched sha-1+sha-256+sha-512", Algorithms::kAll, avx512,
       sha1_sha256_shani, sha_all_shani_avx512vl, sha512_avx512vl},
      {"sha-ni stitched sha-1+sha-256, schedule by avx-512vl", Algorithms::kSha1Sha256, avx512,
       sha1_sha256_shani_avx512vl_vs, nullptr, nullptr},
      {"sha-ni+avx-512vl stitched sha-1+sha-256+sha-512, schedule by avx-512vl", Algorithms::kAll,
       avx512, sha1_sha256_shani_avx512vl_vs, sha_all_shani_avx512vl_vs, sha512_avx512vl},
  }};
  if (__builtin_cpu_is("intel")) std::ranges::reverse(list);
  return list;
}

}  // namespace

std::span<const Kernel> kernels() {
  static const auto kKernels = find_kernels();
  return kKernels;
}
#else
std::span<const Kernel> kernels() {
  return {};
}
#endif

const Kernel* best_kernel(Algorithms algorithms) {
  const auto list = kernels();
  const auto found = std::ranges::find_if(
      list, [=](const Kernel& k) { return k.supported && k.algorithms == algorithms; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace strata::digest
