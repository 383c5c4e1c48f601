// Vectors of 256 bits for sha_lanes.inl: four words of 64 bits or eight of 32. With AVX-512VL a
// rotation (vpror) and any function of three bits (vpternlog) is one instruction; AVX2 needs three
// and two to four.

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "storage/digest/inline.h"

namespace strata::digest {
namespace {

struct Vector256 {
  __m256i x;
  static STRATA_ALWAYS_INLINE __m256i from(const void* words) {
    return _mm256_loadu_si256(static_cast<const __m256i*>(words));
  }
  STRATA_ALWAYS_INLINE void store(void* to) const {
    _mm256_storeu_si256(static_cast<__m256i*>(to), x);
  }
};

#if defined(__AVX512VL__)
STRATA_ALWAYS_INLINE __m256i xor3_256(__m256i a, __m256i b, __m256i c) {
  return _mm256_ternarylogic_epi64(a, b, c, 0x96);
}
STRATA_ALWAYS_INLINE __m256i choose_256(__m256i e, __m256i f, __m256i g) {
  return _mm256_ternarylogic_epi64(e, f, g, 0xca);
}
STRATA_ALWAYS_INLINE __m256i majority_256(__m256i a, __m256i b, __m256i c) {
  return _mm256_ternarylogic_epi64(a, b, c, 0xe8);
}
#else
STRATA_ALWAYS_INLINE __m256i xor3_256(__m256i a, __m256i b, __m256i c) {
  return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}
STRATA_ALWAYS_INLINE __m256i choose_256(__m256i e, __m256i f, __m256i g) {
  return _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
}
STRATA_ALWAYS_INLINE __m256i majority_256(__m256i a, __m256i b, __m256i c) {
  return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
}
#endif

struct Words4x64 : Vector256 {
  using Word = std::uint64_t;
  static constexpr std::size_t kLanes = 4;

  static STRATA_ALWAYS_INLINE Words4x64 load(const void* words) { return {from(words)}; }
  static STRATA_ALWAYS_INLINE Words4x64 broadcast(const Word* word) {
    return {_mm256_set1_epi64x(static_cast<long long>(*word))};
  }
  template <int kBits>
  STRATA_ALWAYS_INLINE Words4x64 shr() const {
    return {_mm256_srli_epi64(x, kBits)};
  }
  template <int kBits>
  STRATA_ALWAYS_INLINE Words4x64 ror() const {
#if defined(__AVX512VL__)
    return {_mm256_ror_epi64(x, kBits)};
#else
    return {_mm256_or_si256(_mm256_srli_epi64(x, kBits), _mm256_slli_epi64(x, 64 - kBits))};
#endif
  }
  STRATA_ALWAYS_INLINE Words4x64 operator+(Words4x64 b) const {
    return {_mm256_add_epi64(x, b.x)};
  }
  static STRATA_ALWAYS_INLINE Words4x64 xor3(Words4x64 a, Words4x64 b, Words4x64 c) {
    return {xor3_256(a.x, b.x, c.x)};
  }
  static STRATA_ALWAYS_INLINE Words4x64 choose(Words4x64 e, Words4x64 f, Words4x64 g) {
    return {choose_256(e.x, f.x, g.x)};
  }
  static STRATA_ALWAYS_INLINE Words4x64 majority(Words4x64 a, Words4x64 b, Words4x64 c) {
    return {majority_256(a.x, b.x, c.x)};
  }
};

struct Words8x32 : Vector256 {
  using Word = std::uint32_t;
  static constexpr std::size_t kLanes = 8;

  static STRATA_ALWAYS_INLINE Words8x32 load(const void* words) { return {from(words)}; }
  static STRATA_ALWAYS_INLINE Words8x32 broadcast(const Word* word) {
    return {_mm256_set1_epi32(static_cast<int>(*word))};
  }
  template <int kBits>
  STRATA_ALWAYS_INLINE Words8x32 shr() const {
    return {_mm256_srli_epi32(x, kBits)};
  }
  template <int kBits>
  STRATA_ALWAYS_INLINE Words8x32 ror() const {
#if defined(__AVX512VL__)
    return {_mm256_ror_epi32(x, kBits)};
#else
    return {_mm256_or_si256(_mm256_srli_epi32(x, kBits), _mm256_slli_epi32(x, 32 - kBits))};
#endif
  }
  STRATA_ALWAYS_INLINE Words8x32 operator+(Words8x32 b) const {
    return {_mm256_add_epi32(x, b.x)};
  }
  STRATA_ALWAYS_INLINE Words8x32 operator^(Words8x32 b) const {
    return {_mm256_xor_si256(x, b.x)};
  }
  static STRATA_ALWAYS_INLINE Words8x32 xor3(Words8x32 a, Words8x32 b, Words8x32 c) {
    return {xor3_256(a.x, b.x, c.x)};
  }
  static STRATA_ALWAYS_INLINE Words8x32 choose(Words8x32 e, Words8x32 f, Words8x32 g) {
    return {choose_256(e.x, f.x, g.x)};
  }
  static STRATA_ALWAYS_INLINE Words8x32 majority(Words8x32 a, Words8x32 b, Words8x32 c) {
    return {majority_256(a.x, b.x, c.x)};
  }
};

// Four words of each lane at a time: rows are lanes, columns become them.
STRATA_ALWAYS_INLINE void transposed_block(const std::byte* const* data, std::size_t offset,
                                           Words4x64 (&w)[16]) {
  const __m256i swap =
      _mm256_broadcastsi128_si256(_mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607));
#pragma GCC unroll 4
  for (int part = 0; part < 4; ++part) {
    __m256i row[4];
#pragma GCC unroll 4
    for (int lane = 0; lane < 4; ++lane) {
      row[lane] = _mm256_shuffle_epi8(Vector256::from(data[lane] + offset + 32 * part), swap);
    }
    const __m256i low01 = _mm256_unpacklo_epi64(row[0], row[1]);
    const __m256i high01 = _mm256_unpackhi_epi64(row[0], row[1]);
    const __m256i low23 = _mm256_unpacklo_epi64(row[2], row[3]);
    const __m256i high23 = _mm256_unpackhi_epi64(row[2], row[3]);
    w[4 * part] = {_mm256_permute2x128_si256(low01, low23, 0x20)};
    w[4 * part + 1] = {_mm256_permute2x128_si256(high01, high23, 0x20)};
    w[4 * part + 2] = {_mm256_permute2x128_si256(low01, low23, 0x31)};
    w[4 * part + 3] = {_mm256_permute2x128_si256(high01, high23, 0x31)};
  }
}

// Eight words of each lane at a time.
STRATA_ALWAYS_INLINE void transposed_block(const std::byte* const* data, std::size_t offset,
                                           Words8x32 (&w)[16]) {
  const __m256i swap =
      _mm256_broadcastsi128_si256(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
#pragma GCC unroll 2
  for (int part = 0; part < 2; ++part) {
    __m256i row[8], pairs[8];
#pragma GCC unroll 8
    for (int lane = 0; lane < 8; ++lane) {
      row[lane] = _mm256_shuffle_epi8(Vector256::from(data[lane] + offset + 32 * part), swap);
    }
    // pairs[4q + c]: words c and c + 4 of the four lanes from 4q on.
#pragma GCC unroll 2
    for (int q = 0; q < 2; ++q) {
      const __m256i* r = row + 4 * q;
      const __m256i low01 = _mm256_unpacklo_epi32(r[0], r[1]);
      const __m256i high01 = _mm256_unpackhi_epi32(r[0], r[1]);
      const __m256i low23 = _mm256_unpacklo_epi32(r[2], r[3]);
      const __m256i high23 = _mm256_unpackhi_epi32(r[2], r[3]);
      pairs[4 * q] = _mm256_unpacklo_epi64(low01, low23);
      pairs[4 * q + 1] = _mm256_unpackhi_epi64(low01, low23);
      pairs[4 * q + 2] = _mm256_unpacklo_epi64(high01, high23);
      pairs[4 * q + 3] = _mm256_unpackhi_epi64(high01, high23);
    }
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) {
      w[8 * part + c] = {_mm256_permute2x128_si256(pairs[c], pairs[4 + c], 0x20)};
      w[8 * part + 4 + c] = {_mm256_permute2x128_si256(pairs[c], pairs[4 + c], 0x31)};
    }
  }
}

}  // namespace
}  // namespace strata::digest
