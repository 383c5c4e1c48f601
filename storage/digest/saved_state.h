#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "storage/digest/stream.h"
#include "strata/base/result.h"
#include "strata/digest/hasher.h"

// The bytes of a saved state: storage/FORMAT.md, "Digest state". Pure functions.
namespace strata::digest {

struct SavedState {
  Algorithms algorithms{};
  StreamState stream;
};

[[nodiscard]] std::string encode_state(const SavedState& state);
// kCorruptData for everything that encode_state cannot have made.
[[nodiscard]] Result<SavedState> decode_state(std::span<const std::byte> bytes);

}  // namespace strata::digest
