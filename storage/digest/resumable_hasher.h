#pragma once

#include <memory>
#include <span>

#include "storage/digest/kernels.h"
#include "strata/digest/hasher.h"

// As in strata/digest/hasher.h, on block functions of the caller's choice: they must be for exactly
// the algorithms and supported by this processor.
namespace strata::digest {

[[nodiscard]] std::unique_ptr<ResumableHasher> make_resumable_hasher(Algorithms algorithms,
                                                                     const BlockFunctions& run);
// The algorithms must be those of the state.
[[nodiscard]] Result<std::unique_ptr<ResumableHasher>> restore_hasher(
    std::span<const std::byte> saved, const BlockFunctions& run);

}  // namespace strata::digest
