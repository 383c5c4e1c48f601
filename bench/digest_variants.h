#pragma once

#include <functional>
#include <vector>

#include "bench/digest_ratios.h"
#include "bench/hash_runs.h"

// What measure_digest_ratios() measures.
namespace strata::bench {

struct DigestVariant {
  DigestRatioRow row;  // without figures
  // Hashes row.bytes and compares the digests with OpenSSL's; a difference aborts.
  std::function<void()> run;
};

// The most that one of the variants hashes.
[[nodiscard]] std::size_t bytes_needed(const DigestRatioOptions& options);

// In the order of the table. `data` has bytes_needed() bytes and outlives the variants.
[[nodiscard]] std::vector<DigestVariant> digest_variants(const DigestRatioOptions& options,
                                                         Data data);

}  // namespace strata::bench
