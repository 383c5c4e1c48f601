#define STRATA_SHA_SCHEDULE_BY_VECTOR
#include "storage/digest/kernels.h"
#include "storage/digest/sha1_sha256_shani.inl"

namespace strata::digest {

void sha1_sha256_shani_avx512vl_vs(Sha1State& sha1, Sha256State& sha256, const std::byte* data,
                                   std::size_t blocks) {
  _mm256_zeroupper();  // see kernels.h
  pair_blocks(sha1, sha256, data, blocks);
}

}  // namespace strata::digest
