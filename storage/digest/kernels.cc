#include "storage/digest/kernels.h"

#include <algorithm>
#include <array>
#include <vector>

#include "storage/digest/algorithms.h"
#include "storage/digest/cpu_features.h"

namespace strata::digest {

#if defined(__x86_64__)
namespace {

constexpr std::size_t kStitched = 4;

void add_x86_kernels(std::vector<Kernel>& list) {
  using enum Algorithms;
  const CpuFeatures& cpu = cpu_features();
  const bool avx512 = cpu.sha_ni && cpu.avx512;
  std::array<Kernel, kStitched> stitched = {{
      {"sha-ni stitched sha-1+sha-256", kSha1Sha256, cpu.sha_ni, {.pair = sha1_sha256_shani}, true},
      {"sha-ni+avx-512vl stitched sha-1+sha-256+sha-512",
       kAll,
       avx512,
       {.all = sha_all_shani_avx512vl, .pair = sha1_sha256_shani, .sha512 = sha512_avx512vl},
       true},
      {"sha-ni stitched sha-1+sha-256, schedule by avx-512vl",
       kSha1Sha256,
       avx512,
       {.pair = sha1_sha256_shani_avx512vl_vs},
       true},
      {"sha-ni+avx-512vl stitched sha-1+sha-256+sha-512, schedule by avx-512vl",
       kAll,
       avx512,
       {.all = sha_all_shani_avx512vl_vs,
        .pair = sha1_sha256_shani_avx512vl_vs,
        .sha512 = sha512_avx512vl},
       true},
  }};
  if (cpu.intel) std::ranges::reverse(stitched);
  list.insert(list.end(), stitched.begin(), stitched.end());
  list.push_back({"sha-ni+avx2 stitched sha-1+sha-256+sha-512",
                  kAll,
                  cpu.sha_ni && cpu.avx2,
                  {.all = sha_all_shani_avx2, .pair = sha1_sha256_shani, .sha512 = sha512_avx2},
                  true});
  list.push_back({"sha-ni sha-1", kSha1, cpu.sha_ni, {.sha1 = sha1_shani}, true});
  list.push_back({"sha-ni sha-256", kSha256, cpu.sha_ni, {.sha256 = sha256_shani}, true});
  list.push_back({"avx-512vl sha-512", kSha512, cpu.avx512, {.sha512 = sha512_avx512vl}, true});
  list.push_back({"avx2 sha-512", kSha512, cpu.avx2, {.sha512 = sha512_avx2}});
}

}  // namespace
#endif

namespace {

std::vector<Kernel> find_kernels() {
  using enum Algorithms;
  std::vector<Kernel> list;
#if defined(__x86_64__)
  add_x86_kernels(list);
#endif
  list.push_back({"portable sha-1", kSha1, true, {.sha1 = sha1_portable}});
  list.push_back({"portable sha-256", kSha256, true, {.sha256 = sha256_portable}});
  list.push_back({"portable sha-512", kSha512, true, {.sha512 = sha512_portable}});
  return list;
}

}  // namespace

std::span<const Kernel> kernels() {
  static const auto kKernels = find_kernels();
  return kKernels;
}

const Kernel* best_kernel(Algorithms algorithms) {
  const auto list = kernels();
  const auto found = std::ranges::find_if(
      list, [=](const Kernel& k) { return k.supported && k.algorithms == algorithms; });
  return found == list.end() ? nullptr : &*found;
}

BlockFunctions merged(const BlockFunctions& a, const BlockFunctions& b) {
  return {.all = a.all ? a.all : b.all,
          .pair = a.pair ? a.pair : b.pair,
          .sha1 = a.sha1 ? a.sha1 : b.sha1,
          .sha256 = a.sha256 ? a.sha256 : b.sha256,
          .sha512 = a.sha512 ? a.sha512 : b.sha512};
}

BlockFunctions own_functions(Algorithms algorithms) {
  BlockFunctions functions;
  for (const Algorithms part : {Algorithms::kAll, Algorithms::kSha1Sha256, Algorithms::kSha1,
                                Algorithms::kSha256, Algorithms::kSha512}) {
    const Kernel* kernel = best_kernel(part);
    if (kernel == nullptr || !has(algorithms, part)) continue;
    functions = merged(functions, kernel->run);
    algorithms = without(algorithms, part);
  }
  return functions;
}

}  // namespace strata::digest
