#pragma once

// For kernel files, which are compiled each for its own instruction set: hence the unnamed
// namespace.

#include <immintrin.h>

#include "storage/digest/inline.h"

namespace strata::digest {
namespace {

STRATA_ALWAYS_INLINE __m128i load(const void* from) {
  return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

STRATA_ALWAYS_INLINE void store(void* to, __m128i value) {
  _mm_storeu_si128(static_cast<__m128i*>(to), value);
}

}  // namespace
}  // namespace strata::digest
