// The stitched kernel of all three, for the files that compile it: function stitching after
// V. Gopal, W. Feghali, J. Guilford and others, "Fast Cryptographic Computation on Intel
// Architecture Processors Via Function Stitching" (Intel, 2010), there of a cipher with a hash.
// SHA-512's rounds run on the integer units, its message schedule two words at a time on the vector
// units, and SHA-1 and SHA-256 on the SHA unit between them: the other two hide in the time that
// SHA-512's serial chain takes. What it brings is in kernels.h.

#include <utility>

#include "storage/digest/sha512_rounds.inl"
#include "storage/digest/sha_ni_rounds.inl"

namespace strata::digest {
namespace {

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
    prefetch_ahead(data, 128);
    all_block(sha1, sha256, sha512, data, std::make_integer_sequence<int, 40>());
  }
  sha1.save(sha1_state);
  sha256.save(sha256_state);
  sha512.save(sha512_state);
}

}  // namespace
}  // namespace strata::digest
