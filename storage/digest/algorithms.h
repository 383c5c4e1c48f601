#pragma once

#include <cstdint>

#include "strata/digest/hasher.h"

namespace strata::digest {

[[nodiscard]] constexpr bool has(Algorithms set, Algorithms wanted) {
  return (static_cast<std::uint8_t>(set) & static_cast<std::uint8_t>(wanted)) ==
         static_cast<std::uint8_t>(wanted);
}

[[nodiscard]] constexpr Algorithms without(Algorithms set, Algorithms part) {
  return static_cast<Algorithms>(static_cast<std::uint8_t>(set) & ~static_cast<std::uint8_t>(part));
}

// Whether the bits name at least one algorithm and nothing else.
[[nodiscard]] constexpr bool is_valid(Algorithms set) {
  return set != Algorithms{} && has(Algorithms::kAll, set);
}

}  // namespace strata::digest
