// The stitched SHA-1 + SHA-256 kernel, for the two files that compile it for their instruction set:
// function stitching after V. Gopal, W. Feghali, J. Guilford and others, "Fast Cryptographic
// Computation on Intel Architecture Processors Via Function Stitching" (Intel, 2010).
// Neither algorithm fills the SHA unit by itself: each waits for its own last round. With the
// groups of both in one instruction stream one runs while the other waits.

#include <utility>

#include "storage/digest/sha_ni_rounds.inl"

namespace strata::digest {
namespace {

template <int... kSteps>
STRATA_ALWAYS_INLINE void pair_block(Sha1Rounds& sha1, Sha256Rounds& sha256, const std::byte* block,
                                     std::integer_sequence<int, kSteps...>) {
  sha1.begin_block(block);
  sha256.begin_block(block);
  (pair_step<kSteps>(sha1, sha256), ...);
  sha1.end_block();
  sha256.end_block();
}

STRATA_ALWAYS_INLINE void pair_blocks(Sha1State& sha1_state, Sha256State& sha256_state,
                                      const std::byte* data, std::size_t blocks) {
  Sha1Rounds sha1(sha1_state);
  Sha256Rounds sha256(sha256_state);
  for (; blocks > 0; --blocks, data += 64) {
    prefetch_ahead(data, 64);
    pair_block(sha1, sha256, data, std::make_integer_sequence<int, 20>());
  }
  sha1.save(sha1_state);
  sha256.save(sha256_state);
}

}  // namespace
}  // namespace strata::digest
