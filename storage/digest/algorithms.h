#pragma once

#include <cstdint>

#include "strata/digest/hasher.h"

namespace strata::digest {

[[nodiscard]] constexpr bool has(Algorithms set, Algorithms wanted) {
  return (static_cast<std::uint8_t>(set) & static_cast<std::uint8_t>(wanted)) ==
         static_cast<std::uint8_t>(wanted);
}

}  // namespace strata::digest
