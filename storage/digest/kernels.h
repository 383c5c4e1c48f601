#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "storage/digest/sha_state.h"
#include "strata/digest/hasher.h"

// Our own block functions: several algorithms stitched into one instruction stream. Each consumes
// whole blocks at any alignment, from the state it is given, and may be called from any thread.
//
// What they bring, as ratios to OpenSSL 3.0 EVP running the algorithms one after another, in one
// run and on one thread (64 MiB in 1 MiB blocks, medians, a machine shared with other work):
//
//   kernel                         AMD Zen 5    Intel Sapphire Rapids (prototype)
//   sha1_sha256_shani              1.65         not measured
//   sha1_sha256_shani_avx512vl_vs  1.4          1.46
//   sha_all_shani_avx512vl         1.9          1.27
//   sha_all_shani_avx512vl_vs      1.75         1.53
//
// "vs" = the SHA instructions of the message schedule that are slow on Intel (sha1msg2, sha256msg1)
// replaced by vector operations. It loses on AMD, whose SHA instructions are all fast, so the
// vendor decides. sha_all reaches 0.9 of OpenSSL's SHA-512 alone on Zen 5, 0.83 on
// Sapphire Rapids.
//
// The SHA instructions exist only in the legacy SSE encoding. Mixed with VEX or EVEX instructions
// while the upper half of a vector register is dirty, each of them waits for a merge: 65 to 110
// times slower on Intel. Hence these rules for every kernel compiled for AVX: it begins with
// vzeroupper, whoever calls it, and uses nothing wider than 128 bits (a lint test looks for that).
namespace strata::digest {

// Blocks of 64 bytes.
using PairBlocks = void (*)(Sha1State&, Sha256State&, const std::byte* data, std::size_t blocks);
// Blocks of 128 bytes.
using AllBlocks = void (*)(Sha1State&, Sha256State&, Sha512State&, const std::byte* data,
                           std::size_t blocks);
using Sha512Blocks = void (*)(Sha512State&, const std::byte* data, std::size_t blocks);

struct Kernel {
  std::string_view name;
  Algorithms algorithms;  // kSha1Sha256 or kAll
  bool supported;         // by this processor; calling it otherwise is an illegal instruction
  PairBlocks pair;
  AllBlocks all;        // kAll only
  Sha512Blocks sha512;  // kAll only: for the end of a stream, where the padding differs
};

// Every kernel of this build, the best for this processor first; empty on other architectures.
[[nodiscard]] std::span<const Kernel> kernels();
// The first supported one for exactly these algorithms, or null.
[[nodiscard]] const Kernel* best_kernel(Algorithms algorithms);

// Each file is compiled for the instruction set in its name.
void sha1_sha256_shani(Sha1State&, Sha256State&, const std::byte* data, std::size_t blocks);
void sha1_sha256_shani_avx512vl_vs(Sha1State&, Sha256State&, const std::byte* data,
                                   std::size_t blocks);
void sha_all_shani_avx512vl(Sha1State&, Sha256State&, Sha512State&, const std::byte* data,
                            std::size_t blocks);
void sha_all_shani_avx512vl_vs(Sha1State&, Sha256State&, Sha512State&, const std::byte* data,
                               std::size_t blocks);
void sha512_avx512vl(Sha512State&, const std::byte* data, std::size_t blocks);

}  // namespace strata::digest
