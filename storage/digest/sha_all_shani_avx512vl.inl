// The stitched kernel of all three, for the two files that compile it. SHA-512's rounds run on the
// integer units, its message schedule two words at a time on the vector units, and SHA-1 and
// SHA-256 on the SHA unit between them: the other two hide in the time that SHA-512's serial chain
// takes.

#include <utility>

#include "storage/digest/sha_ni_rounds.inl"

namespace strata::digest {
namespace {

STRATA_ALWAYS_INLINE std::uint64_t ror(std::uint64_t x, int n) {
  return x >> n | x << (64 - n);
}

// begin_block, step<0> ... step<39> (two rounds each), end_block for each block of 128 bytes.
class Sha512Rounds {
 public:
  STRATA_ALWAYS_INLINE explicit Sha512Rounds(const Sha512State& state) : before_(state) {
    for (int i = 0; i < 8; ++i) s_[i] = state.h[static_cast<std::size_t>(i)];
  }

  STRATA_ALWAYS_INLINE void save(Sha512State& state) const { state = before_; }

  STRATA_ALWAYS_INLINE void begin_block(const std::byte* block) {
    const __m128i swap = _mm_set_epi64x(0x08090a0b0c0d0e0f, 0x0001020304050607);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      w_[i] = _mm_shuffle_epi8(load(block + 16 * i), swap);
      store(&wk_[2 * i], _mm_add_epi64(w_[i], load(&kSha512K[2 * static_cast<std::size_t>(i)])));
    }
  }

  template <int kStep>
  STRATA_ALWAYS_INLINE void step() {
    round<2 * kStep>();
    round<2 * kStep + 1>();
    if constexpr (kStep < 32) schedule<kStep>();
  }

  STRATA_ALWAYS_INLINE void end_block() {
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) s_[i] = before_.h[static_cast<std::size_t>(i)] += s_[i];
  }

 private:
  template <int kRound>
  STRATA_ALWAYS_INLINE void round() {
    // The variables a ... h stay where they are; their names move by one place in each round.
    constexpr auto kAt = [](int variable) { return (variable + 80 - kRound) % 8; };
    const std::uint64_t a = s_[kAt(0)], b = s_[kAt(1)], c = s_[kAt(2)];
    const std::uint64_t e = s_[kAt(4)], f = s_[kAt(5)], g = s_[kAt(6)];
    // The two halves of ch have no bit in common, so they may be added one by one, off the path
    // through e; likewise of maj.
    const std::uint64_t t1 =
        s_[kAt(7)] + wk_[kRound % 16] + (~e & g) + (e & f) + (ror(e, 14) ^ ror(e, 18) ^ ror(e, 41));
    s_[kAt(3)] += t1;
    s_[kAt(7)] = t1 + (b & c) + (a & (b ^ c)) + (ror(a, 28) ^ ror(a, 34) ^ ror(a, 39));
  }

  // Words 2 * kStep + 16 and + 17.
  template <int kStep>
  STRATA_ALWAYS_INLINE void schedule() {
    __m128i& w = w_[kStep % 8];
    const __m128i w15 = _mm_alignr_epi8(w_[(kStep + 1) % 8], w, 8);
    const __m128i w7 = _mm_alignr_epi8(w_[(kStep + 5) % 8], w_[(kStep + 4) % 8], 8);
    const __m128i w2 = w_[(kStep + 7) % 8];
    const __m128i sigma0 = _mm_ternarylogic_epi64(_mm_ror_epi64(w15, 1), _mm_ror_epi64(w15, 8),
                                                  _mm_srli_epi64(w15, 7), 0x96);
    const __m128i sigma1 = _mm_ternarylogic_epi64(_mm_ror_epi64(w2, 19), _mm_ror_epi64(w2, 61),
                                                  _mm_srli_epi64(w2, 6), 0x96);
    w = _mm_add_epi64(_mm_add_epi64(w, w7), _mm_add_epi64(sigma0, sigma1));
    store(&wk_[2 * kStep % 16], _mm_add_epi64(w, load(&kSha512K[2 * kStep + 16])));
  }

  Sha512State before_;
  std::uint64_t s_[8];
  __m128i w_[8];
  alignas(16) std::uint64_t wk_[16];  // words with their constants added, for the next 16 rounds
};

// Step 0 ... 39 of 128 bytes: two rounds of SHA-512, and the next step of SHA-1 and SHA-256, whose
// second blocks begin at step 20.
template <int kStep>
STRATA_ALWAYS_INLINE void all_step(Sha1Rounds& sha1, Sha256Rounds& sha256, Sha512Rounds& sha512,
                                   const std::byte* data) {
  if constexpr (kStep % 20 == 0) {
    sha1.begin_block(data + 64 * (kStep / 20));
    sha256.begin_block(data + 64 * (kStep / 20));
  }
  sha512.step<kStep>();
  pair_step<kStep % 20>(sha1, sha256);
  if constexpr (kStep % 20 == 19) {
    sha1.end_block();
    sha256.end_block();
  }
}

template <int... kSteps>
STRATA_ALWAYS_INLINE void all_block(Sha1Rounds& sha1, Sha256Rounds& sha256, Sha512Rounds& sha512,
                                    const std::byte* data, std::integer_sequence<int, kSteps...>) {
  sha512.begin_block(data);
  (all_step<kSteps>(sha1, sha256, sha512, data), ...);
  sha512.end_block();
}

STRATA_ALWAYS_INLINE void all_blocks(Sha1State& sha1_state, Sha256State& sha256_state,
                                     Sha512State& sha512_state, const std::byte* data,
                                     std::size_t blocks) {
  Sha1Rounds sha1(sha1_state);
  Sha256Rounds sha256(sha256_state);
  Sha512Rounds sha512(sha512_state);
  for (; blocks > 0; --blocks, data += 128) {
    all_block(sha1, sha256, sha512, data, std::make_integer_sequence<int, 40>());
  }
  sha1.save(sha1_state);
  sha256.save(sha256_state);
  sha512.save(sha512_state);
}

}  // namespace
}  // namespace strata::digest
