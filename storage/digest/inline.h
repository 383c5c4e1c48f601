#pragma once

#include <cstddef>
#include <cstdint>

// Kernels name their variables by template arguments, so that nothing moves between the rounds;
// that is fast only when every round is inlined into its block.
#define STRATA_ALWAYS_INLINE inline __attribute__((always_inline))
#define STRATA_LAMBDA_INLINE __attribute__((always_inline))

namespace strata::digest {
namespace {

// Data that comes from memory is asked for this long before it is needed: the hardware's
// prefetchers alone leave a stream waiting. Sapphire Rapids, 256 MiB from memory: the pair 1.05
// -> 1.51 GB/s, SHA-512 0.84 -> 0.88, SHA-1 1.15 -> 2.1 and SHA-256 1.15 -> 1.95, where OpenSSL
// has 1.2; 1 to 4 KiB are equally good, 256 bytes bring half of it. Reading past the end is
// harmless: a prefetch never faults.
constexpr std::size_t kPrefetchBytes = 2048;

// The lines of `block_bytes` at `data` plus that.
STRATA_ALWAYS_INLINE void prefetch_ahead(const std::byte* data, std::size_t block_bytes) {
  for (std::size_t line = 0; line < block_bytes; line += 64) {
    // By number: it may lie beyond the array.
    const auto address = reinterpret_cast<std::uintptr_t>(data) + kPrefetchBytes + line;
    __builtin_prefetch(reinterpret_cast<const void*>(address));
  }
}

}  // namespace
}  // namespace strata::digest
