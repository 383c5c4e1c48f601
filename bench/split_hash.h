#pragma once

#include <cstddef>
#include <span>

#include "strata/base/digest.h"

namespace strata::bench {

// All three digests of `data` by digest::kSplit. SHA-512, the slower part, has a thread of its own
// behind a bounded queue of 1 MiB blocks; the caller's thread fills it and takes the other part.
// That way SHA-512 neither waits for blocks nor spends its time on waking the other thread.
[[nodiscard]] DigestSet split_hash(std::span<const std::byte> data);

}  // namespace strata::bench
