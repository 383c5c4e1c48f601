#include <bit>
#include <utility>

#include "storage/digest/big_endian.h"
#include "storage/digest/inline.h"
#include "storage/digest/kernels.h"
#include "storage/digest/sha_constants.h"

namespace strata::digest {
namespace {

// FIPS 180-4 section 6.4.2, with a window of 16 words of the message schedule.
class Rounds {
 public:
  STRATA_ALWAYS_INLINE explicit Rounds(const Sha512State& state) : before_(state) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) s_[i] = state.h[i];
  }

  template <std::size_t... kRounds>
  STRATA_ALWAYS_INLINE void block(const std::byte* block, std::index_sequence<kRounds...>) {
    (round<kRounds>(block), ...);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < 8; ++i) s_[i] = before_.h[i] += s_[i];
  }

  STRATA_ALWAYS_INLINE void save(Sha512State& state) const {
    state = before_;
  }

 private:
  template <std::size_t kRound>
  STRATA_ALWAYS_INLINE std::uint64_t word(const std::byte* block) {
    std::uint64_t& w = w_[kRound % 16];
    if constexpr (kRound < 16) {
      w = load_big_endian<std::uint64_t>(block + 8 * kRound);
    } else {
      const std::uint64_t w15 = w_[(kRound + 1) % 16];
      const std::uint64_t w2 = w_[(kRound + 14) % 16];
      w += w_[(kRound + 9) % 16] + (std::rotr(w15, 1) ^ std::rotr(w15, 8) ^ w15 >> 7) +
           (std::rotr(w2, 19) ^ std::rotr(w2, 61) ^ w2 >> 6);
    }
    return w;
  }

  template <std::size_t kRound>
  STRATA_ALWAYS_INLINE void round(const std::byte* block) {
    // The variables a ... h stay where they are; their names move by one place in each round.
    constexpr auto kAt = [](std::size_t variable) { return (variable + 80 - kRound) % 8; };
    const std::uint64_t a = s_[kAt(0)], b = s_[kAt(1)], c = s_[kAt(2)];
    const std::uint64_t e = s_[kAt(4)], f = s_[kAt(5)], g = s_[kAt(6)];
    const std::uint64_t t1 = s_[kAt(7)] + kSha512K[kRound] + word<kRound>(block) +
                             (g ^ (e & (f ^ g))) +
                             (std::rotr(e, 14) ^ std::rotr(e, 18) ^ std::rotr(e, 41));
    s_[kAt(3)] += t1;
    s_[kAt(7)] =
        t1 + (b & c) + (a & (b ^ c)) + (std::rotr(a, 28) ^ std::rotr(a, 34) ^ std::rotr(a, 39));
  }

  Sha512State before_;
  std::uint64_t s_[8];
  std::uint64_t w_[16];
};

}  // namespace

void sha512_portable(Sha512State& state, const std::byte* data, std::size_t blocks) {
  Rounds rounds(state);
  for (; blocks > 0; --blocks, data += 128) rounds.block(data, std::make_index_sequence<80>());
  rounds.save(state);
}

}  // namespace strata::digest
