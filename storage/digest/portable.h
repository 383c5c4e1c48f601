#pragma once

// The portable kernels name their variables by template arguments, so that nothing moves between
// the rounds; that is fast only when every round is inlined into its block.
#define STRATA_PORTABLE_INLINE inline __attribute__((always_inline))
