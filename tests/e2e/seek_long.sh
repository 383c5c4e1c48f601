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
