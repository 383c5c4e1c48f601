#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace strata::blob {

// A run of zeros is worth a hole from this length on: a hole costs two system calls and an extent
// of the file.
inline constexpr std::size_t kHoleBytesMin = 64 << 10;

// How `data` that belong at a place of a file begin: bytes to be written, and behind them zeros
// that need not be. Zeros are whole pages of the file, at least kHoleBytesMin of them or none; data
// that hold no such run are all `bytes`. Nothing shorter than a run is found across two calls.
struct Stretch {
  std::size_t bytes;
  std::size_t zeros;
};
[[nodiscard]] Stretch next_stretch(std::uint64_t position, std::span<const std::byte> data);

}  // namespace strata::blob
