#!/bin/bash
# Random reads of 64 KiB of the decoded view of a gz, an xz and a zst of one image, cold and warm, beside nbdkit's
# gzip and xz filters on the same files; and how large the seek indexes are. Every byte read is compared.
#   READS=300          reads of each measurement
#   SEEK_RESULT=FILE   gets "SUFFIX WHAT VALUE" lines
#   STRATA_SEEK_GIB, STRATA_CACHE as in seek_images.sh
. "$(dirname "$0")/lib.sh"
. "$LOAD_DIR/seek_images.sh"
READS=${READS:-300}
SEEK_RESULT=${SEEK_RESULT:-$WORK/result}
PYTHON=/usr/bin/python3 # Debian's, which python3-libnbd is for

result() { echo "$*" >>"$SEEK_RESULT"; }
get() { awk -v s="$1" -v w="$2" '$1 == s && $2 == w { value = $3 } END { print value }' "$SEEK_RESULT"; }
# measure SUFFIX NAME KIND WHERE SEED: NAME.first, .p50 and .p99 in milliseconds.
measure() {
  local first p50 p99
  read -r first p50 p99 <<<"$("$PYTHON" -B "$LOAD_DIR/seek.py" "$3" "$4" "$CACHE/image.raw" "$READS" "$5")"
  [[ -n $p99 ]] || { note "seek: $1 $2 failed"; exit 1; }
  result "$1" "$2.first" "$first"
  result "$1" "$2.p50" "$p50"
  result "$1" "$2.p99" "$p99"
}

# Drops the page cache, or where that is not allowed, what it has of these files and folders.
drop_caches() {
  sync
  if { echo 3 >/proc/sys/vm/drop_caches; } 2>/dev/null; then return 0; fi
  find "$@" -type f -print0 | "$PYTHON" -c '
import os, sys
for path in sys.stdin.buffer.read().split(b"\0")[:-1]:
    file = os.open(path, os.O_RDONLY)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(file)'
}
restart_cold() {
  kill -TERM "$STORAGE_PID"
  wait "$STORAGE_PID" || true
  drop_caches "$WORK/storage" "$CACHE"
  start_storage
}
# side_bytes SUFFIX: of the index and the copy beside the blob of this image.
side_bytes() {
  find "$WORK/storage/store/blobs" -name "$(get "$1" blob).$2" -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'
}
blob_of() { # the blob that came last
  find "$WORK/storage/store/blobs" -type f ! -name '*.*' -printf '%T@ %f\n' | sort -g | awk 'END { print $2 }'
}

# upload SUFFIX: also waits for its index, which the server may finish behind the answer.
upload() {
  local begun=$EPOCHREALTIME
  curl -sSf -T "$CACHE/image.$1" -o "$WORK/image.json" "$STORAGE/v1/upload/seek.$1"
  result "$1" upload_s "$(calc "$EPOCHREALTIME - $begun" 1)"
  result "$1" id "$(jq -er .id "$WORK/image.json")"
  result "$1" blob "$(blob_of)"
  for _ in {1..600}; do
    ! curl -sSfI "$(url "$1")" | grep -qi '^accept-ranges: bytes' || return 0
    sleep 1
  done
  note "seek: $1 has no ranges"
  exit 1
}
url() { echo "$STORAGE/v1/images/$(get "$1" id)/decoded"; }

# beside SUFFIX FILTER: the same reads through an nbdkit filter.
beside() {
  drop_caches "$CACHE"
  TMPDIR=$WORK nbdkit -f -U "$WORK/$1.socket" -r --filter="$2" file "$CACHE/image.$1" 2>"$WORK/nbdkit.log" &
  local pid=$!
  PIDS+=("$pid")
  for _ in {1..200}; do
    [[ ! -S $WORK/$1.socket ]] || break
    sleep 0.05
  done
  # Its first read has the way through the whole file in it, where that is the filter's way.
  measure "$1" nbdkit nbd "nbd+unix:///?socket=$WORK/$1.socket" 1
  kill -TERM "$pid"
  wait "$pid" || true
}

ratio() { # SUFFIX OURS THEIRS
  local theirs
  theirs=$(get "$1" "$3")
  if [[ -n $theirs ]]; then calc "$(get "$1" "$2") / $theirs" 4; else echo -; fi
}
table() {
  local suffix
  printf '%-5s %8s %9s %9s %9s %9s %9s | %11s %9s %9s | %8s %8s\n' image upload "cold 1st" "cold p50" "cold p99" "warm p50" \
    "warm p99" "nbdkit 1st" "p50" "p99" "1st /" "p50 /"
  for suffix in gz xz zst; do
    printf '%-5s %6s s %9s %9s %9s %9s %9s | %11s %9s %9s | %8s %8s\n' "$suffix" "$(get $suffix upload_s)" \
      "$(get $suffix cold.first)" "$(get $suffix cold.p50)" "$(get $suffix cold.p99)" "$(get $suffix warm.p50)" \
      "$(get $suffix warm.p99)" "$(get $suffix nbdkit.first)" "$(get $suffix nbdkit.p50)" "$(get $suffix nbdkit.p99)" \
      "$(ratio $suffix cold.first nbdkit.first)" "$(ratio $suffix cold.p50 nbdkit.p50)"
  done
  for suffix in gz xz zst; do
    printf '%-5s index %s %%, copy %s %% of the decoded bytes\n' "$suffix" "$(get $suffix index_percent)" \
      "$(get $suffix copy_percent)"
  done
}

make_images
start_storage
: >"$SEEK_RESULT"
decoded=$(stat -c %s "$CACHE/image.raw")
for suffix in gz xz zst; do
  note "seek: uploading the $suffix, $(stat -c %s "$CACHE/image.$suffix") bytes"
  upload "$suffix"
  result "$suffix" index_percent "$(calc "100 * $(side_bytes "$suffix" index) / $decoded" 3)"
  result "$suffix" copy_percent "$(calc "100 * $(side_bytes "$suffix" copy) / $decoded" 3)"
done
for suffix in gz xz zst; do
  note "seek: reading the $suffix"
  restart_cold
  measure "$suffix" cold http "$(url "$suffix")" 1
  measure "$suffix" warm http "$(url "$suffix")" 1
done
if "$PYTHON" -c 'import nbd' 2>/dev/null; then
  note "seek: nbdkit's filters"
  beside gz gzip
  beside xz xz
else
  note "seek: without python3-libnbd nothing is measured beside"
fi
echo "$GIB GiB, $READS reads of 64 KiB; milliseconds; ratios are ours to nbdkit's"
table
