#!/bin/bash
# The digest tests with fewer instruction sets than the processor has, so that what other machines
# fall back to is tested here: STRATA_DIGEST_ISA takes them away.
set -euo pipefail

tests=$STRATA_BIN/../tests
fail() { echo "digest_isa: $*" && exit 1; }
declare -A cpuinfo=([sha-ni]=sha_ni [avx2]=avx2 [avx-512]=avx512vl)

for isa in none sha-ni avx2 avx-512 sha-ni,avx2 sha-ni,avx-512; do
  export STRATA_DIGEST_ISA=$isa
  # The kernels that are tested are those of these instruction sets.
  kernels=$("$tests/property_hasher" --gtest_list_tests | sed -n 's/.*GetParam() = //p' | sort -u)
  grep -q 'portable sha-512' <<<"$kernels" || fail "no list of kernels: $kernels"
  for set in sha-ni avx2 avx-512; do
    if [[ ,$isa, != *,$set,* ]]; then
      ! grep -F "$set" <<<"$kernels" || fail "these need $set, but only $isa is allowed"
    elif grep -qw "${cpuinfo[$set]}" /proc/cpuinfo; then
      grep -qF "$set" <<<"$kernels" || fail "no kernel for $set, which is allowed: $kernels"
    fi
  done
  for test in unit_cpu_features unit_digest_engine unit_hasher unit_lane_plan unit_digest_state property_hasher \
    property_digest_state property_lanes; do
    found=$("$tests/$test" --gtest_brief=1 2>&1) || fail "$test with $isa: $found"
    grep -q 'PASSED  \] [1-9]' <<<"$found" || fail "$test with $isa ran no tests: $found"
  done
  echo "$isa: ok"
done

# A wrong word must not run something else than was asked for.
code=0
found=$(STRATA_DIGEST_ISA=avx2,sse9 "$tests/unit_lane_plan" --gtest_filter='*Measured*' 2>&1) || code=$?
[[ $code == 2 ]] || fail "exit code $code, not 2, for a wrong word: $found"
[[ $found == *'STRATA_DIGEST_ISA: '*'"sse9" is not an instruction set'* ]] || fail "message: $found"
