#pragma once

#include "strata/codec/parallel_decoding.h"

namespace strata::test {

// Two threads, and jobs for blocks of any size.
[[nodiscard]] inline codec::ParallelDecoding parallel(std::uint64_t bytes_max = 256 << 20,
                                                      std::uint64_t part_bytes_min = 1) {
  static io::WorkerPool pool("compute", 2);
  return {pool, {.bytes_max = bytes_max, .part_bytes_min = part_bytes_min}};
}

}  // namespace strata::test
