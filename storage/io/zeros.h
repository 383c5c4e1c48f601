#pragma once

#include <cstddef>
#include <span>

namespace strata::io {

// Whether every byte is zero. Data that is not costs a word, zeros are read as fast as memcmp
// reads.
[[nodiscard]] bool all_zero(std::span<const std::byte> data);

}  // namespace strata::io
