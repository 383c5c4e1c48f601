#define STRATA_SHA_SCHEDULE_BY_VECTOR
#include "storage/digest/kernels.h"
#include "storage/digest/sha_all_shani.inl"

namespace strata::digest {

void sha_all_shani_avx512vl_vs(Sha1State& sha1, Sha256State& sha256, Sha512State& sha512,
                               const std::byte* data, std::size_t blocks) {
  _mm256_zeroupper();  // see kernels.h
  all_blocks(sha1, sha256, sha512, data, blocks);
}

}  // namespace strata::digest
