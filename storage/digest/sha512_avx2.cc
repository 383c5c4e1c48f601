#include "storage/digest/kernels.h"
#include "storage/digest/sha512_rounds.inl"

namespace strata::digest {

void sha512_avx2(Sha512State& state, const std::byte* data, std::size_t blocks) {
  sha512_blocks(state, data, blocks);
}

}  // namespace strata::digest
