#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "storage/digest/kernels.h"
#include "storage/digest/sha_state.h"
#include "strata/digest/hasher.h"

namespace strata::digest {

inline constexpr std::size_t kStitchedBlockBytes = 128;

// Everything a stream's digests depend on so far: plain values, which can be copied and stored.
struct StitchedState {
  Sha1State sha1;
  Sha256State sha256;
  Sha512State sha512;  // untouched by a kernel for kSha1Sha256
  std::uint64_t bytes = 0;
  std::array<std::byte, kStitchedBlockBytes> tail{};  // the last bytes % 128 ones
};

// A Hasher on one of our kernels, which must be supported. `rest`, if any, gets the same bytes and
// adds its digests: what the kernel does not do.
[[nodiscard]] std::unique_ptr<Hasher> make_stitched_hasher(const Kernel& kernel,
                                                           std::unique_ptr<Hasher> rest = nullptr);

}  // namespace strata::digest
