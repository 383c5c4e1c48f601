#include "storage/digest/lane_kernels.h"
#include "storage/digest/sha_lanes.inl"
#include "storage/digest/vector256_lanes.inl"

namespace strata::digest {

void sha512_x4_avx2(Sha512State* const* states, const std::byte* const* data, std::size_t blocks) {
  sha2_lanes<Words4x64>(states, data, blocks);
}

void sha256_x8_avx2(Sha256State* const* states, const std::byte* const* data, std::size_t blocks) {
  sha2_lanes<Words8x32>(states, data, blocks);
}

void sha1_x8_avx2(Sha1State* const* states, const std::byte* const* data, std::size_t blocks) {
  sha1_lanes<Words8x32>(states, data, blocks);
}

}  // namespace strata::digest
