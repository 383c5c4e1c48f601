#include <bit>
#include <utility>

#include "storage/digest/big_endian.h"
#include "storage/digest/inline.h"
#include "storage/digest/kernels.h"

namespace strata::digest {
namespace {

// FIPS 180-4 section 6.1.2 in the form of 6.1.3: a window of 16 words of the message schedule.
class Rounds {
 public:
  STRATA_ALWAYS_INLINE explicit Rounds(const Sha1State& state) : before_(state) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 5; ++i) s_[i] = state.h[i];
  }

  template <std::size_t... kRounds>
  STRATA_ALWAYS_INLINE void block(const std::byte* block, std::index_sequence<kRounds...>) {
    (round<kRounds>(block), ...);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 5; ++i) s_[i] = before_.h[i] += s_[i];
  }

  STRATA_ALWAYS_INLINE void save(Sha1State& state) const {
    state = before_;
  }

 private:
  template <std::size_t kRound>
  STRATA_ALWAYS_INLINE std::uint32_t word(const std::byte* block) {
    std::uint32_t& w = w_[kRound % 16];
    if constexpr (kRound < 16) {
      w = load_big_endian<std::uint32_t>(block + 4 * kRound);
    } else {
      w = std::rotl(w ^ w_[(kRound + 2) % 16] ^ w_[(kRound + 8) % 16] ^ w_[(kRound + 13) % 16], 1);
    }
    return w;
  }

  // Section 4.1.1 and 4.2.1. The halves of ch and maj have no bit in common: + is as good as |.
  template <std::size_t kRound>
  STRATA_ALWAYS_INLINE static std::uint32_t mix(std::uint32_t b, std::uint32_t c, std::uint32_t d) {
    if constexpr (kRound < 20) {
      return (d ^ (b & (c ^ d))) + 0x5a827999U;
    } else if constexpr (kRound < 40) {
      return (b ^ c ^ d) + 0x6ed9eba1U;
    } else if constexpr (kRound < 60) {
      return (b & c) + (d & (b ^ c)) + 0x8f1bbcdcU;
    } else {
      return (b ^ c ^ d) + 0xca62c1d6U;
    }
  }

  template <std::size_t kRound>
  STRATA_ALWAYS_INLINE void round(const std::byte* block) {
    // The variables a ... e stay where they are; their names move by one place in each round.
    constexpr auto kAt = [](std::size_t variable) { return (variable + 80 - kRound) % 5; };
    std::uint32_t& b = s_[kAt(1)];
    s_[kAt(4)] +=
        std::rotl(s_[kAt(0)], 5) + mix<kRound>(b, s_[kAt(2)], s_[kAt(3)]) + word<kRound>(block);
    b = std::rotl(b, 30);
  }

  Sha1State before_;
  std::uint32_t s_[5];
  std::uint32_t w_[16];
};

}  // namespace

void sha1_portable(Sha1State& state, const std::byte* data, std::size_t blocks) {
  Rounds rounds(state);
  for (; blocks > 0; --blocks, data += 64) rounds.block(data, std::make_index_sequence<80>());
  rounds.save(state);
}

}  // namespace strata::digest
