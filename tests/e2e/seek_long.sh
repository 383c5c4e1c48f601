# Random reads of the decoded views of an image of 10 GiB (STRATA_SEEK_GIB), as bench/load/seek.sh does and prints them:
# every byte that it reads is compared. Times are printed, not judged; the size of the index is.
. "$(dirname "$0")/lib.sh"
# Exit code 0: no read was wrong or refused.
STRATA_TMP=$WORK SEEK_RESULT=$WORK/result bash "$STRATA_SOURCE/bench/load/seek.sh" || fail "see above"

value() { awk -v s="$1" -v w="$2" '$1 == s && $2 == w { print $3 }' "$WORK/result" | grep . || fail "no $2 of $1"; }
for suffix in gz xz zst; do
  value "$suffix" cold.p50 >/dev/null
  value "$suffix" warm.p50 >/dev/null
done
percent=$(value gz index_percent)
awk -v n="$percent" 'BEGIN { exit !(n > 0 && n <= 1.1) }' || fail "the index of the gz is $percent % of the decoded bytes"

# A sparse disk: much of nothing in a small file is no bomb, and its zeros take no space (STRATA_ZEROS_GIB, up to 1024).
GIB=${STRATA_ZEROS_GIB:-64}
say "$GIB GiB of zeros in a gz"
head -c 1G /dev/zero | gzip -9 >"$WORK/one.gz"
for ((i = 0; i < GIB; ++i)); do cat "$WORK/one.gz"; done >"$WORK/zeros.gz"
start_storage
http 201 --max-time 7200 -T "$WORK/zeros.gz" "$STORAGE/v1/upload/zeros.gz"
ID=$(json .id)
expect "decoded bytes" "$(json .decoded.bytes)" $((GIB << 30))
index=$(find "$WORK/storage/store/blobs" -name '*.index')
(($(stat -c %s "$index") < 1024)) || fail "the index of zeros has $(stat -c %s "$index") bytes"
[[ -z $(find "$WORK/storage/store/blobs" -name '*.copy') ]] || fail "zeros were copied"
http 206 -r $(((GIB << 30) - 65536))-$(((GIB << 30) - 1)) "$STORAGE/v1/images/$ID/decoded"
cmp "$WORK/body" <(head -c 65536 /dev/zero) || fail "the end is not zero"
http 200 "$STORAGE/v1/images/$ID/extents"
expect "extents" "$(json '.extents | length')" 1

say "and one that is over the limit of what may be decoded is refused"
stop storage || fail "exit code $?"
printf '[limits]\ndecoded_bytes_max = %s\n' $((4 << 30)) >"$WORK/limit.toml"
start_storage --config "$WORK/limit.toml"
http 422 -T "$WORK/zeros.gz" "$STORAGE/v1/upload/bomb.gz"
expect_problem decompression-limit
[[ -z $(ls "$WORK/storage/store/staging") ]] || fail "something is left in staging"
