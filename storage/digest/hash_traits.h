#pragma once

#include <cstddef>

#include "storage/digest/kernels.h"
#include "storage/digest/stream.h"

namespace strata::digest {

// What differs between the algorithms, by the type of their chaining value: for code that is
// written once for all three.
template <typename State>
struct HashTraits;

template <>
struct HashTraits<Sha1State> {
  static constexpr auto kAlgorithm = Algorithms::kSha1;
  static constexpr auto kState = &StreamState::sha1;
  static constexpr auto kSingle = &BlockFunctions::sha1;
  static constexpr std::size_t kBlockBytes = 64;
};

template <>
struct HashTraits<Sha256State> {
  static constexpr auto kAlgorithm = Algorithms::kSha256;
  static constexpr auto kState = &StreamState::sha256;
  static constexpr auto kSingle = &BlockFunctions::sha256;
  static constexpr std::size_t kBlockBytes = 64;
};

template <>
struct HashTraits<Sha512State> {
  static constexpr auto kAlgorithm = Algorithms::kSha512;
  static constexpr auto kState = &StreamState::sha512;
  static constexpr auto kSingle = &BlockFunctions::sha512;
  static constexpr std::size_t kBlockBytes = 128;
};

}  // namespace strata::digest
