#include "storage/digest/sha1_sha256_shani.inl"
#include "storage/digest/kernels.h"

namespace strata::digest {
namespace {

// All groups of one algorithm, for one block.
template <int... kGroups>
STRATA_ALWAYS_INLINE void block(auto& rounds, const std::byte* data,
                                std::integer_sequence<int, kGroups...>) {
  prefetch_ahead(data, 64);
  rounds.begin_block(data);
  (rounds.template group<kGroups>(), ...);
  rounds.end_block();
}

}  // namespace

void sha1_shani(Sha1State& state, const std::byte* data, std::size_t blocks) {
  Sha1Rounds rounds(state);
  for (; blocks > 0; --blocks, data += 64)
    block(rounds, data, std::make_integer_sequence<int, 20>());
  rounds.save(state);
}

void sha256_shani(Sha256State& state, const std::byte* data, std::size_t blocks) {
  Sha256Rounds rounds(state);
  for (; blocks > 0; --blocks, data += 64)
    block(rounds, data, std::make_integer_sequence<int, 16>());
  rounds.save(state);
}

void sha1_sha256_shani(Sha1State& sha1, Sha256State& sha256, const std::byte* data,
                       std::size_t blocks) {
  pair_blocks(sha1, sha256, data, blocks);
}

}  // namespace strata::digest
