#include "storage/digest/sha_all_shani_avx512vl.inl"
#include "storage/digest/kernels.h"

namespace strata::digest {
namespace {

template <int... kSteps>
STRATA_ALWAYS_INLINE void sha512_block(Sha512Rounds& sha512, const std::byte* data,
                                       std::integer_sequence<int, kSteps...>) {
  sha512.begin_block(data);
  (sha512.step<kSteps>(), ...);
  sha512.end_block();
}

}  // namespace

void sha_all_shani_avx512vl(Sha1State& sha1, Sha256State& sha256, Sha512State& sha512,
                            const std::byte* data, std::size_t blocks) {
  _mm256_zeroupper();  // see kernels.h
  all_blocks(sha1, sha256, sha512, data, blocks);
}

void sha512_avx512vl(Sha512State& state, const std::byte* data, std::size_t blocks) {
  Sha512Rounds sha512(state);
  for (; blocks > 0; --blocks, data += 128) {
    sha512_block(sha512, data, std::make_integer_sequence<int, 40>());
  }
  sha512.save(state);
}

}  // namespace strata::digest
