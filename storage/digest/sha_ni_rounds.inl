// SHA-1 and SHA-256 rounds on the SHA extensions, cut into groups of four rounds, so that a kernel
// can put groups of several algorithms into one instruction stream. Only kernel files include this,
// each compiled for its own instruction set: hence the unnamed namespace.

#include <immintrin.h>

#include <cstddef>

#include "storage/digest/sha_constants.h"
#include "storage/digest/sha_state.h"
#include "storage/digest/vector128.inl"

namespace strata::digest {
namespace {

// The two schedule instructions that are slow on Intel (sha1msg2 and sha256msg1: one in 4 cycles,
// on the port that also runs the rounds), and the same by vector operations.
#if defined(STRATA_SHA_SCHEDULE_BY_VECTOR)
STRATA_ALWAYS_INLINE __m128i sha1_schedule(__m128i w16, __m128i w12, __m128i w8, __m128i w4) {
  // W[t] = rol(W[t-16] ^ W[t-14] ^ W[t-8] ^ W[t-3], 1), the lanes from high to low; the last lane
  // needs the first one's result, which is folded in by a second rotation.
  const __m128i x =
      _mm_ternarylogic_epi32(_mm_sha1msg1_epu32(w16, w12), w8, _mm_slli_si128(w4, 4), 0x96);
  const __m128i r = _mm_rol_epi32(x, 1);
  return _mm_xor_si128(r, _mm_rol_epi32(_mm_srli_si128(r, 12), 1));
}

STRATA_ALWAYS_INLINE __m128i sha256_sigma0_plus(__m128i w16, __m128i w12) {
  const __m128i x = _mm_alignr_epi8(w12, w16, 4);
  const __m128i sigma =
      _mm_ternarylogic_epi32(_mm_ror_epi32(x, 7), _mm_ror_epi32(x, 18), _mm_srli_epi32(x, 3), 0x96);
  return _mm_add_epi32(w16, sigma);
}
#else
STRATA_ALWAYS_INLINE __m128i sha1_schedule(__m128i w16, __m128i w12, __m128i w8, __m128i w4) {
  return _mm_sha1msg2_epu32(_mm_xor_si128(_mm_sha1msg1_epu32(w16, w12), w8), w4);
}

STRATA_ALWAYS_INLINE __m128i sha256_sigma0_plus(__m128i w16, __m128i w12) {
  return _mm_sha256msg1_epu32(w16, w12);
}
#endif

// begin_block, group<0> ... group<19>, end_block for each block of 64 bytes.
class Sha1Rounds {
 public:
  STRATA_ALWAYS_INLINE explicit Sha1Rounds(const Sha1State& state)
      : abcd_(_mm_shuffle_epi32(load(state.h.data()), 0x1b)),
        e_(_mm_set_epi32(static_cast<int>(state.h[4]), 0, 0, 0)) {}

  STRATA_ALWAYS_INLINE void save(Sha1State& state) const {
    store(state.h.data(), _mm_shuffle_epi32(abcd_, 0x1b));
    state.h[4] = static_cast<std::uint32_t>(_mm_extract_epi32(e_, 3));
  }

  STRATA_ALWAYS_INLINE void begin_block(const std::byte* block) {
    block_ = block;
    abcd_before_ = abcd_;
    e_before_ = e_;
  }

  template <int kGroup>
  STRATA_ALWAYS_INLINE void group() {
    __m128i& w = w_[kGroup % 4];
    if constexpr (kGroup < 4) {
      const __m128i reverse = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
      w = _mm_shuffle_epi8(load(block_ + 16 * kGroup), reverse);
    } else {
      w = sha1_schedule(w, w_[(kGroup + 1) % 4], w_[(kGroup + 2) % 4], w_[(kGroup + 3) % 4]);
    }
    const __m128i e = kGroup == 0 ? _mm_add_epi32(e_, w) : _mm_sha1nexte_epu32(e_, w);
    e_ = abcd_;
    abcd_ = _mm_sha1rnds4_epu32(abcd_, e, kGroup / 5);
  }

  STRATA_ALWAYS_INLINE void end_block() {
    e_ = _mm_sha1nexte_epu32(e_, e_before_);
    abcd_ = _mm_add_epi32(abcd_, abcd_before_);
  }

 private:
  const std::byte* block_ = nullptr;
  __m128i abcd_;
  __m128i e_;
  __m128i abcd_before_;
  __m128i e_before_;
  __m128i w_[4];
};

// begin_block, group<0> ... group<15>, end_block for each block of 64 bytes.
class Sha256Rounds {
 public:
  STRATA_ALWAYS_INLINE explicit Sha256Rounds(const Sha256State& state) {
    const __m128i cdab = _mm_shuffle_epi32(load(state.h.data()), 0xb1);
    const __m128i efgh = _mm_shuffle_epi32(load(state.h.data() + 4), 0x1b);
    abef_ = _mm_alignr_epi8(cdab, efgh, 8);
    cdgh_ = _mm_blend_epi16(efgh, cdab, 0xf0);
  }

  STRATA_ALWAYS_INLINE void save(Sha256State& state) const {
    const __m128i feba = _mm_shuffle_epi32(abef_, 0x1b);
    const __m128i dchg = _mm_shuffle_epi32(cdgh_, 0xb1);
    store(state.h.data(), _mm_blend_epi16(feba, dchg, 0xf0));
    store(state.h.data() + 4, _mm_alignr_epi8(dchg, feba, 8));
  }

  STRATA_ALWAYS_INLINE void begin_block(const std::byte* block) {
    block_ = block;
    abef_before_ = abef_;
    cdgh_before_ = cdgh_;
  }

  template <int kGroup>
  STRATA_ALWAYS_INLINE void group() {
    __m128i& w = w_[kGroup % 4];
    if constexpr (kGroup < 4) {
      const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
      w = _mm_shuffle_epi8(load(block_ + 16 * kGroup), swap);
    } else {
      const __m128i w4 = w_[(kGroup + 3) % 4];
      const __m128i w7 = _mm_alignr_epi8(w4, w_[(kGroup + 2) % 4], 4);
      w = _mm_add_epi32(sha256_sigma0_plus(w, w_[(kGroup + 1) % 4]), w7);
      w = _mm_sha256msg2_epu32(w, w4);
    }
    const __m128i wk = _mm_add_epi32(w, load(&kSha256K[4 * kGroup]));
    cdgh_ = _mm_sha256rnds2_epu32(cdgh_, abef_, wk);
    abef_ = _mm_sha256rnds2_epu32(abef_, cdgh_, _mm_shuffle_epi32(wk, 0x0e));
  }

  STRATA_ALWAYS_INLINE void end_block() {
    abef_ = _mm_add_epi32(abef_, abef_before_);
    cdgh_ = _mm_add_epi32(cdgh_, cdgh_before_);
  }

 private:
  const std::byte* block_ = nullptr;
  __m128i abef_;
  __m128i cdgh_;
  __m128i abef_before_;
  __m128i cdgh_before_;
  __m128i w_[4];
};

// Step 0 ... 19 of a block of both: a group of SHA-1 each, and the 16 groups of SHA-256 evenly
// between them.
template <int kStep>
STRATA_ALWAYS_INLINE void pair_step(Sha1Rounds& sha1, Sha256Rounds& sha256) {
  sha1.group<kStep>();
  constexpr int kDue = kStep * 16 / 20;
  if constexpr ((kStep + 1) * 16 / 20 > kDue) sha256.group<kDue>();
}

}  // namespace
}  // namespace strata::digest
