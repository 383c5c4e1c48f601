#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "storage/digest/sha_state.h"
#include "strata/digest/hasher.h"

// Our own block functions. Each consumes whole blocks at any alignment, from the state it is given,
// and may be called from any thread. Some have several algorithms stitched into one instruction
// stream, so that one works while another waits for its own last round.
//
// Ratios to OpenSSL 3.0 EVP running the same algorithms one after another, in one run and on one
// thread, medians. From memory: 64 MiB in blocks of 1 MiB; where data is in the cache OpenSSL's
// SHA-1 and SHA-256 are 1.6 times as fast as from memory, because it does not prefetch (inline.h).
//
//   kernel                         AMD Zen 5      Intel Sapphire Rapids
//                                  from memory    in the cache    from memory
//   sha1_shani, sha256_shani       1.0, 1.0 (*)   1.0, 1.0        1.8, 1.65
//   sha1_sha256_shani              1.65 (*)       1.3             1.8
//   sha1_sha256_shani_avx512vl_vs  1.4 (*)        1.5             2.1
//   sha_all_shani_avx2                            1.1             1.35
//   sha_all_shani_avx512vl         1.9 (*)        1.3
//   sha_all_shani_avx512vl_vs      1.75 (*)       1.57            1.9
//   sha512_avx512vl                1.0 (*)        1.04            1.04
//   (*) an earlier version
//
// "vs" = the SHA instructions of the message schedule that are slow on Intel (sha1msg2, sha256msg1)
// replaced by vector operations. It loses on AMD, whose SHA instructions are all fast, so the
// vendor decides. sha_all reaches 0.9 of OpenSSL's SHA-512 alone on Zen 5, 0.85 on Sapphire Rapids.
//
// The SHA instructions exist only in the legacy SSE encoding. Mixed with VEX or EVEX instructions
// while the upper half of a vector register is dirty, each of them waits for a merge: 65 to 110
// times slower on Intel. Hence these rules for every kernel that has both: it begins with
// vzeroupper, whoever calls it, and uses nothing wider than 128 bits (a lint test looks for that).
namespace strata::digest {

// Blocks of 64 bytes.
using Sha1Blocks = void (*)(Sha1State&, const std::byte* data, std::size_t blocks);
using Sha256Blocks = void (*)(Sha256State&, const std::byte* data, std::size_t blocks);
using PairBlocks = void (*)(Sha1State&, Sha256State&, const std::byte* data, std::size_t blocks);
// Blocks of 128 bytes.
using Sha512Blocks = void (*)(Sha512State&, const std::byte* data, std::size_t blocks);
using AllBlocks = void (*)(Sha1State&, Sha256State&, Sha512State&, const std::byte* data,
                           std::size_t blocks);

// What a stream of some algorithms needs, the rest null: `all` or `pair` or the single ones for its
// whole blocks; `pair` or `sha1` and `sha256`, and `sha512`, for its end, where the paddings
// differ.
struct BlockFunctions {
  AllBlocks all = nullptr;
  PairBlocks pair = nullptr;
  Sha1Blocks sha1 = nullptr;
  Sha256Blocks sha256 = nullptr;
  Sha512Blocks sha512 = nullptr;
};

struct Kernel {
  std::string_view name;
  Algorithms algorithms;  // in one pass: kAll, kSha1Sha256 or a single one
  bool supported;         // by this processor; calling it otherwise is an illegal instruction
  BlockFunctions run;
  bool beats_openssl = false;  // or is as fast: make_hasher() uses it
};

// Every kernel of this build. Of those for the same algorithms the best for this processor comes
// first; the portable ones are last, and supported everywhere.
[[nodiscard]] std::span<const Kernel> kernels();
// The first supported one for exactly these algorithms, or null.
[[nodiscard]] const Kernel* best_kernel(Algorithms algorithms);

// Both, for kernels that have no algorithm in common.
[[nodiscard]] BlockFunctions merged(const BlockFunctions& a, const BlockFunctions& b);
// The best of our own for any set, with as few passes as the kernels allow.
[[nodiscard]] BlockFunctions own_functions(Algorithms algorithms);

// Each file is compiled for the instruction set in its name.
void sha1_portable(Sha1State&, const std::byte* data, std::size_t blocks);
void sha256_portable(Sha256State&, const std::byte* data, std::size_t blocks);
void sha512_portable(Sha512State&, const std::byte* data, std::size_t blocks);
void sha1_shani(Sha1State&, const std::byte* data, std::size_t blocks);
void sha256_shani(Sha256State&, const std::byte* data, std::size_t blocks);
void sha1_sha256_shani(Sha1State&, Sha256State&, const std::byte* data, std::size_t blocks);
void sha1_sha256_shani_avx512vl_vs(Sha1State&, Sha256State&, const std::byte* data,
                                   std::size_t blocks);
void sha_all_shani_avx512vl(Sha1State&, Sha256State&, Sha512State&, const std::byte* data,
                            std::size_t blocks);
void sha_all_shani_avx512vl_vs(Sha1State&, Sha256State&, Sha512State&, const std::byte* data,
                               std::size_t blocks);
void sha_all_shani_avx2(Sha1State&, Sha256State&, Sha512State&, const std::byte* data,
                        std::size_t blocks);
void sha512_avx2(Sha512State&, const std::byte* data, std::size_t blocks);
void sha512_avx512vl(Sha512State&, const std::byte* data, std::size_t blocks);

}  // namespace strata::digest
