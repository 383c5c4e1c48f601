// SHA-1, SHA-256 and SHA-512 of many streams side by side: lane i of every vector belongs to stream
// i, so that no round waits for the one before it in another stream (S. Gueron and V. Krasnov,
// "Simultaneous hashing of multiple messages", IACR ePrint 2012/371; Intel's "multi-buffer"
// libraries, J. Guilford and others, "Fast multi-buffer IPsec implementations", 2010). Only the
// sha_lanes_*.cc files include this, each compiled for its own instruction set: hence the unnamed
// namespace. What they gain is in lane_kernels.h.
//
// A vector class V has: Word, kLanes, add, ror<n>, shr<n>, xor3, choose, majority, broadcast of a
// word from memory, load and store of kLanes words, and transposed_block<V>(data, w), which fills
// w[0..15] with words 0..15 of each lane's block, in host order.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "storage/digest/inline.h"
#include "storage/digest/sha_constants.h"
#include "storage/digest/sha_state.h"

namespace strata::digest {
namespace {

// The chaining values with the lanes side by side: word i of every lane in v[i].
template <typename V, int kWords>
struct LaneState {
  V v[kWords];

  template <typename State>
  STRATA_ALWAYS_INLINE explicit LaneState(const State* const* states) {
    alignas(64) typename V::Word words[kWords][V::kLanes];
    for (std::size_t lane = 0; lane < V::kLanes; ++lane) {
      for (std::size_t i = 0; i < kWords; ++i) words[i][lane] = states[lane]->h.data()[i];
    }
    for (int i = 0; i < kWords; ++i) v[i] = V::load(words[i]);
  }

  template <typename State>
  STRATA_ALWAYS_INLINE void save(State* const* states) const {
    alignas(64) typename V::Word words[kWords][V::kLanes];
    for (int i = 0; i < kWords; ++i) v[i].store(words[i]);
    for (std::size_t lane = 0; lane < V::kLanes; ++lane) {
      for (std::size_t i = 0; i < kWords; ++i) states[lane]->h.data()[i] = words[i][lane];
    }
  }
};

// The rotations and shifts of FIPS 180-4 sections 4.1.2 and 4.1.3.
template <typename V>
struct Sha2;

template <typename V>
requires(sizeof(typename V::Word) == 8) struct Sha2<V> {
  static constexpr int kRounds = 80;
  static STRATA_ALWAYS_INLINE const std::uint64_t* constants() { return kSha512K.data(); }
  static STRATA_ALWAYS_INLINE V big0(V a) {
    return V::xor3(a.template ror<28>(), a.template ror<34>(), a.template ror<39>());
  }
  static STRATA_ALWAYS_INLINE V big1(V e) {
    return V::xor3(e.template ror<14>(), e.template ror<18>(), e.template ror<41>());
  }
  static STRATA_ALWAYS_INLINE V small0(V w) {
    return V::xor3(w.template ror<1>(), w.template ror<8>(), w.template shr<7>());
  }
  static STRATA_ALWAYS_INLINE V small1(V w) {
    return V::xor3(w.template ror<19>(), w.template ror<61>(), w.template shr<6>());
  }
};

template <typename V>
requires(sizeof(typename V::Word) == 4) struct Sha2<V> {
  static constexpr int kRounds = 64;
  static STRATA_ALWAYS_INLINE const std::uint32_t* constants() { return kSha256K.data(); }
  static STRATA_ALWAYS_INLINE V big0(V a) {
    return V::xor3(a.template ror<2>(), a.template ror<13>(), a.template ror<22>());
  }
  static STRATA_ALWAYS_INLINE V big1(V e) {
    return V::xor3(e.template ror<6>(), e.template ror<11>(), e.template ror<25>());
  }
  static STRATA_ALWAYS_INLINE V small0(V w) {
    return V::xor3(w.template ror<7>(), w.template ror<18>(), w.template shr<3>());
  }
  static STRATA_ALWAYS_INLINE V small1(V w) {
    return V::xor3(w.template ror<17>(), w.template ror<19>(), w.template shr<10>());
  }
};

// Round kRound of a group of sixteen; the variables a ... h stay where they are, their names move.
template <typename V, int kRound>
STRATA_ALWAYS_INLINE void sha2_round(V (&s)[8], V wk) {
  constexpr auto kAt = [](int variable) { return (variable + 16 - kRound) % 8; };
  const V a = s[kAt(0)], b = s[kAt(1)], c = s[kAt(2)];
  const V e = s[kAt(4)], f = s[kAt(5)], g = s[kAt(6)];
  const V t1 = s[kAt(7)] + wk + V::choose(e, f, g) + Sha2<V>::big1(e);
  s[kAt(3)] = s[kAt(3)] + t1;
  s[kAt(7)] = t1 + V::majority(a, b, c) + Sha2<V>::big0(a);
}

// Sixteen rounds from the words in w, each replaced by the one sixteen later unless they are the
// last ones.
template <typename V, bool kLast, int... kRounds>
STRATA_ALWAYS_INLINE void sha2_rounds(V (&s)[8], V (&w)[16], const typename V::Word* k,
                                      std::integer_sequence<int, kRounds...>) {
  const auto one = [&]<int kRound>(std::integral_constant<int, kRound>) STRATA_LAMBDA_INLINE {
    V& word = w[kRound];
    sha2_round<V, kRound>(s, word + V::broadcast(k + kRound));
    if constexpr (!kLast) {
      word = word + w[(kRound + 9) % 16] + Sha2<V>::small0(w[(kRound + 1) % 16]) +
             Sha2<V>::small1(w[(kRound + 14) % 16]);
    }
  };
  (one(std::integral_constant<int, kRounds>()), ...);
}

// SHA-256 or SHA-512, by the width of V's words.
template <typename V, typename State>
STRATA_ALWAYS_INLINE void sha2_lanes(State* const* states, const std::byte* const* data,
                                     std::size_t blocks) {
  constexpr auto kSixteen = std::make_integer_sequence<int, 16>();
  constexpr std::size_t kBlockBytes = 16 * sizeof(typename V::Word);
  LaneState<V, 8> before(states);
  for (std::size_t at = 0; at < blocks; ++at) {
    V w[16];
    transposed_block(data, at * kBlockBytes, w);
    for (std::size_t lane = 0; lane < V::kLanes; ++lane) {
      prefetch_ahead(data[lane] + at * kBlockBytes, kBlockBytes);
    }
    V s[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) s[i] = before.v[i];
    const auto* k = Sha2<V>::constants();
#pragma GCC unroll 1
    for (int group = 1; group < Sha2<V>::kRounds / 16; ++group, k += 16) {
      sha2_rounds<V, false>(s, w, k, kSixteen);
    }
    sha2_rounds<V, true>(s, w, k, kSixteen);
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) before.v[i] = before.v[i] + s[i];
  }
  before.save(states);
}

// Round kRound of twenty with the function of their section (FIPS 180-4 section 4.1.1).
template <typename V, int kSection, int kRound>
STRATA_ALWAYS_INLINE void sha1_round(V (&s)[5], V wk) {
  constexpr auto kAt = [](int variable) { return (variable + 100 - kRound) % 5; };
  const V a = s[kAt(0)], b = s[kAt(1)], c = s[kAt(2)], d = s[kAt(3)];
  V f;
  if constexpr (kSection == 0) {
    f = V::choose(b, c, d);
  } else if constexpr (kSection == 2) {
    f = V::majority(b, c, d);
  } else {
    f = V::xor3(b, c, d);
  }
  s[kAt(4)] = s[kAt(4)] + wk + f + a.template ror<27>();
  s[kAt(1)] = b.template ror<2>();
}

inline constexpr std::uint32_t kSha1K[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};

template <typename V, int... kRounds>
STRATA_ALWAYS_INLINE void sha1_rounds(V (&s)[5], V (&w)[16],
                                      std::integer_sequence<int, kRounds...>) {
  const auto one = [&]<int kRound>(std::integral_constant<int, kRound>) STRATA_LAMBDA_INLINE {
    V& word = w[kRound % 16];
    if constexpr (kRound >= 16) {
      word = (V::xor3(word, w[(kRound + 2) % 16], w[(kRound + 8) % 16]) ^ w[(kRound + 13) % 16])
                 .template ror<31>();
    }
    sha1_round<V, kRound / 20, kRound>(s, word + V::broadcast(&kSha1K[kRound / 20]));
  };
  (one(std::integral_constant<int, kRounds>()), ...);
}

template <typename V>
STRATA_ALWAYS_INLINE void sha1_lanes(Sha1State* const* states, const std::byte* const* data,
                                     std::size_t blocks) {
  LaneState<V, 5> before(states);
  for (std::size_t at = 0; at < blocks; ++at) {
    V w[16];
    transposed_block(data, at * 64, w);
    for (std::size_t lane = 0; lane < V::kLanes; ++lane) prefetch_ahead(data[lane] + at * 64, 64);
    V s[5];
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) s[i] = before.v[i];
    sha1_rounds(s, w, std::make_integer_sequence<int, 80>());
#pragma GCC unroll 5
    for (int i = 0; i < 5; ++i) before.v[i] = before.v[i] + s[i];
  }
  before.save(states);
}

}  // namespace
}  // namespace strata::digest
