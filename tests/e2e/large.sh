# 4 GiB through one upload and one download: the server's memory stays below 96 MiB.
. "$(dirname "$0")/lib.sh"
start_storage

# Sparse, with noise at its start, across 2 GiB and 4 GiB - 1, and at its end.
size=$((4 * 1024 * 1024 * 1024 + 12345))
truncate -s "$size" "$WORK/large"
for offset in 0 2147483000 4294967000 $((size - 1000)); do
  noise 1000 "$offset" | dd of="$WORK/large" bs=1000 seek="$offset" oflag=seek_bytes conv=notrunc status=none
done
truncate -s "$size" "$WORK/large"

upload "$WORK/large"
expect "size" "$(json .stored.bytes)" "$size"
expect "sha-256" "$(json '.stored.digests["sha-256"]')" "$(sha 256 "$WORK/large")"

say "ranges beyond 2 and 4 GiB"
url=$STORAGE/v1/images/$ID/content
for offset in 2147483000 4294967000 $((size - 1000)); do
  http 206 -r "$offset-$((offset + 999))" "$url"
  noise 1000 "$offset" >"$WORK/expected"
  head -c 1000 "$WORK/body" >"$WORK/actual"
  same "$WORK/actual" "$WORK/expected"
done
curl -sSf "$url" | cmp - "$WORK/large" || fail "the download differs"

peak=$(awk '/^VmHWM:/ {print $2}' "/proc/${PID[storage]}/status")
say "peak memory of the server: $((peak / 1024)) MiB"
((peak < 96 * 1024)) || fail "peak memory $peak KiB is not below 96 MiB"
