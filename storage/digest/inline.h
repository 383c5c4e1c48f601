#pragma once

// Kernels name their variables by template arguments, so that nothing moves between the rounds;
// that is fast only when every round is inlined into its block.
#define STRATA_ALWAYS_INLINE inline __attribute__((always_inline))
#define STRATA_LAMBDA_INLINE __attribute__((always_inline))
