#pragma once

#include <cstddef>
#include <span>

#include "strata/base/digest.h"

namespace strata::bench {

inline constexpr std::size_t kBlockBytes = std::size_t{1} << 20;  // as uploads hand them over

// All three digests of `data` by digest::kSplit: the caller's thread takes the first part and hands
// each 1 MiB block over to a second thread, through a bounded queue, for the other.
[[nodiscard]] DigestSet split_hash(std::span<const std::byte> data);

}  // namespace strata::bench
