#!/bin/bash
# The digest kernels touch no register wider than 128 bits: with the upper halves dirty every SHA
# instruction becomes about 100 times slower on Intel (storage/digest/kernels.h). Compilers widen
# copies and loops on their own, so this looks at what they made.
set -euo pipefail

archive=$STRATA_BIN/../storage/digest/libstrata_digest.a
case $(uname -m) in x86_64) ;; *) exit 0 ;; esac # no kernels elsewhere

# Each instruction with the object file it is in.
code=$(objdump --disassemble --no-show-raw-insn "$archive" | awk '/file format/ { file = $1 } { print file, $0 }')
for kernel in sha1_sha256_shani sha1_sha256_shani_avx512vl_vs \
  sha_all_shani_avx512vl sha_all_shani_avx512vl_vs; do
  own=$(grep "^$kernel\.cc\.o" <<<"$code" || true)
  grep -q sha256rnds2 <<<"$own" || { echo "$kernel: no SHA rounds found in $archive"; exit 1; }
  if grep -E '%[yz]mm' <<<"$own"; then
    echo "$kernel: registers wider than 128 bits, see storage/digest/CMakeLists.txt"
    exit 1
  fi
  if [[ $kernel == *avx512vl* ]] && ! grep -q vzeroupper <<<"$own"; then
    echo "$kernel: does not clear the upper halves that its caller may have left dirty"
    exit 1
  fi
done
