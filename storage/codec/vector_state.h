#pragma once

namespace strata::codec {

// ISA-L's kernels return with dirty upper halves of the vector registers. Code that then mixes
// legacy SSE with AVX (our stitched digest kernel on the same core) runs up to 100 times slower.
// One of these in each function that calls ISA-L cleans up behind it.
class CleanVectorState {
 public:
  CleanVectorState() = default;
  CleanVectorState(const CleanVectorState&) = delete;
  CleanVectorState& operator=(const CleanVectorState&) = delete;
  ~CleanVectorState() {
#if defined(__x86_64__)
    static const bool has_avx = __builtin_cpu_supports("avx") != 0;
    // No clobbers: such files are compiled for baseline x86-64, which never holds upper halves.
    if (has_avx) __asm__ volatile("vzeroupper" ::: "memory");
#endif
  }
};

}  // namespace strata::codec
