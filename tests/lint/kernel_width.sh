#!/bin/bash
# Which registers and instructions the digest kernels use. Those with SHA instructions touch nothing
# wider than 128 bits: with the upper halves dirty every SHA instruction becomes about 100 times
# slower on Intel (storage/digest/kernels.h). The kernels for lanes are wide, have no SHA
# instructions and leave the upper halves clean. Compilers widen copies and loops on their own, so
# this looks at what they made.
set -euo pipefail

archive=$STRATA_BIN/../storage/digest/libstrata_digest.a
case $(uname -m) in x86_64) ;; *) exit 0 ;; esac # no kernels elsewhere

sha='[[:space:]]sha(1|256)(rnds|msg|nexte)'
wide='%[yz]mm'
# Each instruction with the object file it is in.
code=$(objdump --disassemble --no-show-raw-insn "$archive" |
  awk '/file format/ { file = $1 } file ~ /^sha/ { print file, $0 }')
fail() { echo "$*, see storage/digest/CMakeLists.txt and kernels.h" && exit 1; }
# kernel NAME: sets $own to its instructions.
kernel() {
  own=$(grep "^$1\.cc\.o" <<<"$code") || fail "$1: no such object in $archive"
}
# line PATTERN: the number of the first line that has it, or nothing.
line() { grep -nEm 1 "$1" <<<"$own" | cut -d : -f 1 || true; }

for name in sha1_sha256_shani sha1_sha256_shani_avx512vl_vs sha_all_shani_avx2 \
  sha_all_shani_avx512vl sha_all_shani_avx512vl_vs; do
  kernel "$name"
  for rounds in sha1rnds4 sha256rnds2; do
    grep -q "$rounds" <<<"$own" || fail "$name: no $rounds in $archive"
  done
  ! grep -E "$wide" <<<"$own" || fail "$name: registers wider than 128 bits"
  if [[ $name != *avx* ]]; then
    # Nothing but SSE, which dirty upper halves do not slow down.
    ! grep -E '[[:space:]]v[a-z0-9]+ .*%xmm' <<<"$own" || fail "$name: VEX beside SHA instructions"
    continue
  fi
  cleared=$(line vzeroupper)
  [[ -n $cleared && $cleared -lt $(line "$sha") ]] ||
    fail "$name: does not clear the upper halves that its caller may have left dirty"
done

# Where streams end these run between calls of the others.
for name in sha512_avx2 sha512_avx512vl; do
  kernel "$name"
  grep -q '%xmm' <<<"$own" || fail "$name: no vectors at all in $archive"
  ! grep -E "$wide" <<<"$own" || fail "$name: registers wider than 128 bits"
done

for name in sha_lanes_avx2 sha_lanes_avx512vl sha_lanes_avx512; do
  kernel "$name"
  ! grep -E "$sha" <<<"$own" || fail "$name: SHA instructions beside dirty upper halves"
  [[ $name == *avx512 ]] && vector=zmm || vector=ymm
  (($(grep -c "%$vector" <<<"$own") > 1000)) || fail "$name: hardly any use of $vector in $archive"
  # Between a wide register and a return there is a vzeroupper, in each function.
  found=$(awk -v wide="$wide" '
    />:$/ { name = $NF; dirty = 0 }
    $0 ~ wide { dirty = 1 }
    /vzeroupper/ { dirty = 0 }
    $NF == "ret" || $NF == "retq" { ++returns; if (dirty) print name }
    END { if (returns < 3) print "only " returns " returns" }' <<<"$own")
  [[ -z $found ]] || fail "$name: leaves the upper halves dirty: $found"
done
