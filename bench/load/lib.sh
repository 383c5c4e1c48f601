# What the load benchmarks share. All are same-run comparisons: what is compared runs in turns, and the
# medians and their ratio are printed. Programs come from $STRATA_BIN or build/release/bin.
#   ROUNDS=5          turns of each
#   BYTES=2147483648  size of the file
#   STRATA_TMP=DIR    where files go (a real disk, not a tmpfs)
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

LOAD_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STRATA_BIN=${STRATA_BIN:-$LOAD_DIR/../../build/release/bin}
ROUNDS=${ROUNDS:-5}
BYTES=${BYTES:-2147483648}
TABLE=${TABLE:-}
[[ -x $STRATA_BIN/strata-storage ]] || { echo "$STRATA_BIN has no strata-storage: run tools/build" >&2; exit 1; }

WORK=$(mktemp -d "${STRATA_TMP:-/var/tmp}/strata-load.XXXXXX")
PIDS=()
clean_up() {
  local pid
  for pid in "${PIDS[@]}"; do
    kill -TERM "$pid" 2>/dev/null || continue
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$WORK"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

note() { printf '%s\n' "$*" >&2; }

# Starts strata-storage; STORAGE is its URL, STORAGE_PID its pid.
start_storage() {
  # Deleted images give their space back at once.
  printf '[limits]\nremoval_grace = 0\n' >"$WORK/storage.toml"
  : >"$WORK/storage.log"
  "$STRATA_BIN/strata-storage" --config "$WORK/storage.toml" --listen 127.0.0.1:0 \
    --data "$WORK/storage" 2>"$WORK/storage.log" &
  STORAGE_PID=$!
  PIDS+=("$STORAGE_PID")
  for _ in {1..200}; do
    STORAGE=$(sed -n 's/^listening on //p' "$WORK/storage.log" | head -n 1)
    [[ -z $STORAGE ]] || return 0
    sleep 0.05
  done
  cat "$WORK/storage.log" >&2
  exit 1
}

# start_versions: a server of $STRATA_BIN and, with STRATA_BEFORE, one of that. Their names are in `versions` (now, before),
# where they are in URL[NAME] and PID[NAME].
start_versions() {
  declare -gA URL PID
  versions=()
  start_version now "$STRATA_BIN"
  [[ -z ${STRATA_BEFORE:-} ]] || start_version before "$STRATA_BEFORE"
}
start_version() {
  local STRATA_BIN=$2 WORK=$WORK/$1
  mkdir -p "$WORK"
  start_storage
  URL[$1]=$STORAGE PID[$1]=$STORAGE_PID
  versions+=("$1")
}

# make_file: $WORK/file of $BYTES that does not compress, in the page cache.
make_file() {
  { openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass pass:load </dev/zero 2>/dev/null || true; } |
    head -c "$BYTES" >"$WORK/file"
  sync "$WORK/file"
  cat "$WORK/file" >/dev/null
}

# timed COMMAND...: its wall time in seconds.
timed() {
  local begun=$EPOCHREALTIME
  "$@" >"$WORK/out" 2>&1 || { cat "$WORK/out" >&2; return 1; }
  awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.6f\n", b - a }'
}
# cpu_seconds PID: user and system time that the process has used.
cpu_seconds() {
  awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); print ($12 + $13) / hz }' "/proc/$1/stat"
}
# median: of the numbers on standard input, one in a line.
median() {
  sort -g | awk '{ v[NR] = $1 }
    END { if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
calc() { awk "BEGIN { printf \"%.${2:-2}f\", $1 }"; }

# row WHAT STRATA PEER RATIO NOTE: one line of the table, on standard output or at the end of $TABLE.
row() {
  local line
  printf -v line '%-26s %14s   %-28s %8s   %s' "$@"
  if [[ -n $TABLE ]]; then echo "$line" >>"$TABLE"; else echo "$line"; fi
}
heading() { row "what" "strata" "beside" "ratio" ""; }
