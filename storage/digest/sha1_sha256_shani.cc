#include "storage/digest/sha1_sha256_shani.inl"
#include "storage/digest/kernels.h"

namespace strata::digest {

void sha1_sha256_shani(Sha1State& sha1, Sha256State& sha256, const std::byte* data,
                       std::size_t blocks) {
  pair_blocks(sha1, sha256, data, blocks);
}

}  // namespace strata::digest
