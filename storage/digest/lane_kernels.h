#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "storage/digest/sha_state.h"

// Block functions for several streams at once, one in each lane of the vectors. Each consumes
// `blocks` whole blocks (64 bytes for SHA-1 and SHA-256, 128 for SHA-512) of every lane, at any
// alignment, from the states it is given, and may be called from any thread. A lane that has no
// stream of its own costs as much as one that has: it is given a state to throw away.
//
// Many streams bring what one cannot: the rounds of one stream form a chain, and no instruction
// makes it shorter, but chains of different streams do not wait for each other. GB/s of all lanes
// together, one core of Sapphire Rapids, data in the second cache, beside one stream of OpenSSL 3.0
// in the same run, and how many times faster:
//
//   kernel             GB/s   ratio         kernel             GB/s   ratio
//   sha512_x8_avx512   3.35   4.4           sha1_x16_avx512    7.36   3.8
//   sha512_x4_avx512vl 2.48   3.3           sha1_x8_avx512vl   5.31   2.7
//   sha512_x4_avx2     1.26   1.7           sha1_x8_avx2       3.36   1.7
//   sha256_x16_avx512  3.94   2.3           openssl sha-512    0.76
//   sha256_x8_avx512vl 3.08   1.8           openssl sha-256    1.73 (SHA-NI)
//   sha256_x8_avx2     1.57   0.9           openssl sha-1      1.94 (SHA-NI)
//
// 512-bit vectors have two ports there and 256-bit ones three, so that half as many lanes keep
// three quarters of the rate: hence kernels of both widths. All three algorithms over 16 lanes:
// 1.44 GB/s by these figures, 3.5 times OpenSSL's one after another (0.414).
namespace strata::digest {

template <typename State>
struct LaneKernel {
  std::string_view name;
  std::size_t lanes = 0;
  bool supported = false;  // by this processor; calling it otherwise is an illegal instruction
  void (*run)(State* const* states, const std::byte* const* data, std::size_t blocks) = nullptr;
};

// Every one of this build.
[[nodiscard]] std::span<const LaneKernel<Sha1State>> sha1_lane_kernels();
[[nodiscard]] std::span<const LaneKernel<Sha256State>> sha256_lane_kernels();
[[nodiscard]] std::span<const LaneKernel<Sha512State>> sha512_lane_kernels();

inline constexpr std::size_t kLanesMax = 16;

// Each file is compiled for the instruction set in its name.
void sha1_x8_avx2(Sha1State* const* states, const std::byte* const* data, std::size_t blocks);
void sha256_x8_avx2(Sha256State* const* states, const std::byte* const* data, std::size_t blocks);
void sha512_x4_avx2(Sha512State* const* states, const std::byte* const* data, std::size_t blocks);
void sha1_x8_avx512vl(Sha1State* const* states, const std::byte* const* data, std::size_t blocks);
void sha256_x8_avx512vl(Sha256State* const* states, const std::byte* const* data,
                        std::size_t blocks);
void sha512_x4_avx512vl(Sha512State* const* states, const std::byte* const* data,
                        std::size_t blocks);
void sha1_x16_avx512(Sha1State* const* states, const std::byte* const* data, std::size_t blocks);
void sha256_x16_avx512(Sha256State* const* states, const std::byte* const* data,
                       std::size_t blocks);
void sha512_x8_avx512(Sha512State* const* states, const std::byte* const* data, std::size_t blocks);

}  // namespace strata::digest
