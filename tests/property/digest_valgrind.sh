#!/bin/bash
# The digest kernels under valgrind, which sees reads past the end and bytes that nobody has set,
# also in vector registers. It emulates a processor with AVX2 and without SHA-NI and AVX-512: the
# kernels for those are under AddressSanitizer only.
set -euo pipefail

tests=$STRATA_BIN/../tests
fail() { echo "digest_valgrind: $*" && exit 1; }
grind() { valgrind --quiet --error-exitcode=99 "$@" 2>&1; }

# What valgrind cannot run must not be chosen: by CPUID alone, without STRATA_DIGEST_ISA.
unset STRATA_DIGEST_ISA
kernels=$(grind "$tests/property_hasher" --gtest_list_tests) || fail "$kernels"
grep -q 'portable sha-512' <<<"$kernels" || fail "no list of kernels: $kernels"
if grep -qw avx2 /proc/cpuinfo; then
  grep -q 'avx2 sha-512' <<<"$kernels" || fail "AVX2 is not tested: $kernels"
fi

# check ISA TEST FILTER: some of the tests take long here and show nothing more.
check() {
  local found code=0
  found=$(STRATA_DIGEST_ISA=$1 grind "$tests/$2" --gtest_brief=1 --gtest_filter="$3") || code=$?
  [[ $code != 99 ]] || fail "$2 with $1: valgrind found: $found"
  [[ $code == 0 ]] || fail "$2 with $1: exit code $code: $found"
  grep -q 'PASSED  \] [1-9]' <<<"$found" || fail "$2 with $1 ran no tests: $found"
}
check avx2 unit_hasher '*'
check avx2 unit_lane_plan '*Measured*'
check avx2 unit_digest_state '-*EveryFlippedBit*:*Death*'
check avx2 property_hasher '-*EveryLength*'
check avx2 property_digest_state '*SavedAtEveryByte*/6'
check avx2 property_lanes '-*EveryLength*:*OneToForty*'
check none unit_hasher '*'
check none property_lanes '*WhateverThePlanSays:*GoOnFrom*'

# Without a restriction OpenSSL and the dispatch ask the same emulated processor.
found=$(grind "$tests/unit_hasher" --gtest_brief=1) || fail "unit_hasher without restriction: $found"
