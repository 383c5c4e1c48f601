#include <immintrin.h>

#include "storage/digest/lane_kernels.h"
#include "storage/digest/sha_lanes.inl"

namespace strata::digest {
namespace {

struct Vector512 {
  __m512i x;
  static STRATA_ALWAYS_INLINE __m512i from(const void* words) { return _mm512_loadu_si512(words); }
  STRATA_ALWAYS_INLINE void store(void* to) const { _mm512_storeu_si512(to, x); }
  // vpternlog: any function of three bits in one instruction, named by its truth table.
  template <int kTruth>
  static STRATA_ALWAYS_INLINE __m512i logic(const Vector512& a, const Vector512& b,
                                            const Vector512& c) {
    return _mm512_ternarylogic_epi64(a.x, b.x, c.x, kTruth);
  }
};

struct Words8x64 : Vector512 {
  using Word = std::uint64_t;
  static constexpr std::size_t kLanes = 8;

  static STRATA_ALWAYS_INLINE Words8x64 load(const void* words) { return {from(words)}; }
  static STRATA_ALWAYS_INLINE Words8x64 broadcast(const Word* word) {
    return {_mm512_set1_epi64(static_cast<long long>(*word))};
  }
  template <int kBits>
  STRATA_ALWAYS_INLINE Words8x64 shr() const {
    return {_mm512_srli_epi64(x, kBits)};
  }
  template <int kBits>
  STRATA_ALWAYS_INLINE Words8x64 ror() const {
    return {_mm512_ror_epi64(x, kBits)};
  }
  STRATA_ALWAYS_INLINE Words8x64 operator+(Words8x64 b) const { return {_mm512_add_epi64(x, b.x)}; }
  static STRATA_ALWAYS_INLINE Words8x64 xor3(Words8x64 a, Words8x64 b, Words8x64 c) {
    return {logic<0x96>(a, b, c)};
  }
  static STRATA_ALWAYS_INLINE Words8x64 choose(Words8x64 e, Words8x64 f, Words8x64 g) {
    return {logic<0xca>(e, f, g)};
  }
  static STRATA_ALWAYS_INLINE Words8x64 majority(Words8x64 a, Words8x64 b, Words8x64 c) {
    return {logic<0xe8>(a, b, c)};
  }
};

struct Words16x32 : Vector512 {
  using Word = std::uint32_t;
  static constexpr std::size_t kLanes = 16;

  static STRATA_ALWAYS_INLINE Words16x32 load(const void* words) { return {from(words)}; }
  static STRATA_ALWAYS_INLINE Words16x32 broadcast(const Word* word) {
    return {_mm512_set1_epi32(static_cast<int>(*word))};
  }
  template <int kBits>
  STRATA_ALWAYS_INLINE Words16x32 shr() const {
    return {_mm512_srli_epi32(x, kBits)};
  }
  template <int kBits>
  STRATA_ALWAYS_INLINE Words16x32 ror() const {
    return {_mm512_ror_epi32(x, kBits)};
  }
  STRATA_ALWAYS_INLINE Words16x32 operator+(Words16x32 b) const {
    return {_mm512_add_epi32(x, b.x)};
  }
  STRATA_ALWAYS_INLINE Words16x32 operator^(Words16x32 b) const {
    return {_mm512_xor_si512(x, b.x)};
  }
  static STRATA_ALWAYS_INLINE Words16x32 xor3(Words16x32 a, Words16x32 b, Words16x32 c) {
    return {logic<0x96>(a, b, c)};
  }
  static STRATA_ALWAYS_INLINE Words16x32 choose(Words16x32 e, Words16x32 f, Words16x32 g) {
    return {logic<0xca>(e, f, g)};
  }
  static STRATA_ALWAYS_INLINE Words16x32 majority(Words16x32 a, Words16x32 b, Words16x32 c) {
    return {logic<0xe8>(a, b, c)};
  }
};

// out[i] = the 128-bit quarters: q[i], q[i + stride], q[i + 2 stride], q[i + 3 stride] have the
// same column in each quarter; a 4 x 4 transposition of quarters puts the lanes in order.
STRATA_ALWAYS_INLINE void transpose_quarters(__m512i q0, __m512i q1, __m512i q2, __m512i q3,
                                             __m512i (&out)[4]) {
  const __m512i low01 = _mm512_shuffle_i64x2(q0, q1, 0x44);
  const __m512i high01 = _mm512_shuffle_i64x2(q0, q1, 0xee);
  const __m512i low23 = _mm512_shuffle_i64x2(q2, q3, 0x44);
  const __m512i high23 = _mm512_shuffle_i64x2(q2, q3, 0xee);
  out[0] = _mm512_shuffle_i64x2(low01, low23, 0x88);
  out[1] = _mm512_shuffle_i64x2(low01, low23, 0xdd);
  out[2] = _mm512_shuffle_i64x2(high01, high23, 0x88);
  out[3] = _mm512_shuffle_i64x2(high01, high23, 0xdd);
}

// Half of the block's words at a time: eight rows of eight.
STRATA_ALWAYS_INLINE void transposed_block(const std::byte* const* data, std::size_t offset,
                                           Words8x64 (&w)[16]) {
  const __m512i swap =
      _mm512_broadcast_i32x4(_mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607));
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    __m512i even[4], odd[4];  // of lanes 2i and 2i + 1: words 0 2 4 6, and 1 3 5 7
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const __m512i a =
          _mm512_shuffle_epi8(Vector512::from(data[2 * i] + offset + 64 * half), swap);
      const __m512i b =
          _mm512_shuffle_epi8(Vector512::from(data[2 * i + 1] + offset + 64 * half), swap);
      even[i] = _mm512_unpacklo_epi64(a, b);
      odd[i] = _mm512_unpackhi_epi64(a, b);
    }
    __m512i out[4];
    transpose_quarters(even[0], even[1], even[2], even[3], out);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) w[8 * half + 2 * i] = {out[i]};
    transpose_quarters(odd[0], odd[1], odd[2], odd[3], out);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) w[8 * half + 2 * i + 1] = {out[i]};
  }
}

STRATA_ALWAYS_INLINE void transposed_block(const std::byte* const* data, std::size_t offset,
                                           Words16x32 (&w)[16]) {
  const __m512i swap =
      _mm512_broadcast_i32x4(_mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
  __m512i columns[4][4];  // [c][q]: words c, c + 4, c + 8, c + 12 of the four lanes from 4q on
#pragma GCC unroll 4
  for (int q = 0; q < 4; ++q) {
    __m512i row[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      row[i] = _mm512_shuffle_epi8(Vector512::from(data[4 * q + i] + offset), swap);
    }
    const __m512i low01 = _mm512_unpacklo_epi32(row[0], row[1]);
    const __m512i high01 = _mm512_unpackhi_epi32(row[0], row[1]);
    const __m512i low23 = _mm512_unpacklo_epi32(row[2], row[3]);
    const __m512i high23 = _mm512_unpackhi_epi32(row[2], row[3]);
    columns[0][q] = _mm512_unpacklo_epi64(low01, low23);
    columns[1][q] = _mm512_unpackhi_epi64(low01, low23);
    columns[2][q] = _mm512_unpacklo_epi64(high01, high23);
    columns[3][q] = _mm512_unpackhi_epi64(high01, high23);
  }
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    __m512i out[4];
    transpose_quarters(columns[c][0], columns[c][1], columns[c][2], columns[c][3], out);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) w[4 * i + c] = {out[i]};
  }
}

}  // namespace

void sha512_x8_avx512(Sha512State* const* states, const std::byte* const* data,
                      std::size_t blocks) {
  sha2_lanes<Words8x64>(states, data, blocks);
}

void sha256_x16_avx512(Sha256State* const* states, const std::byte* const* data,
                       std::size_t blocks) {
  sha2_lanes<Words16x32>(states, data, blocks);
}

void sha1_x16_avx512(Sha1State* const* states, const std::byte* const* data, std::size_t blocks) {
  sha1_lanes<Words16x32>(states, data, blocks);
}

}  // namespace strata::digest
