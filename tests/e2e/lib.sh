# What the end-to-end scripts share: real daemons on loopback, port 0, ended by pid; real clients.
# A script sources this first; everything it makes is in $WORK and goes when it ends.
set -euo pipefail
export LC_ALL=C.UTF-8 PATH="$PATH:/usr/sbin:/sbin"
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY

: "${STRATA_BIN:?the folder with the programs}"
# On disk, not on a tmpfs, so that O_DIRECT and sendfile are what they are in use.
WORK=$(mktemp -d "${STRATA_TMP:-/var/tmp}/strata-e2e.XXXXXX")
declare -A PID=()
TEST_NAME=$(basename "$0" .sh)

say() { printf '%s: %s\n' "$TEST_NAME" "$*"; }
fail() {
  say "FAILED: $*"
  for log in "$WORK"/*.log; do
    [[ ! -f $log ]] || { echo "--- $log" && tail -n 25 "$log"; }
  done
  exit 1
}
# An unexpected failing command says where it was.
trap 'say "line $LINENO: failed: $BASH_COMMAND"' ERR

clean_up() {
  local name
  trap '' INT TERM ERR
  for name in "${!PID[@]}"; do
    kill -KILL "${PID[$name]}" 2>/dev/null || true
    wait "${PID[$name]}" 2>/dev/null || true
  done
  rm -rf "$WORK"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# await SECONDS COMMAND...: until the command succeeds; a condition, never a plain sleep.
await() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.05
  done
}

# --- daemons ----------------------------------------------------------------------------------

# start NAME ARGS...: NAME is storage or registry; its URL is then in $STORAGE or $REGISTRY.
start() {
  local name=$1 log=$WORK/$1.log url
  shift
  : >"$log"
  "$STRATA_BIN/strata-$name" --data "$WORK/$name" "$@" 2>"$log" &
  PID[$name]=$!
  if ! await 20 ready "$name"; then fail "strata-$name did not say 'listening on'"; fi
  url=$(sed -n 's/^listening on //p' "$log" | head -n 1)
  [[ -n $url ]] || fail "strata-$name ended at its start"
  if [[ $name == storage ]]; then STORAGE=$url; else REGISTRY=$url; fi
}
ready() { grep -q '^listening on http' "$WORK/$1.log" || ! alive "$1"; }
# Not kill -0: a process that nobody has waited for still answers that.
alive() { [[ -n ${PID[$1]:-} ]] && ! grep -qs '^State:[[:space:]]*[ZX]' "/proc/${PID[$1]}/status" && [[ -e /proc/${PID[$1]} ]]; }

start_registry() { start registry --listen "127.0.0.1:${REGISTRY_PORT:-0}" "$@"; }
start_storage() { start storage --listen 127.0.0.1:0 ${REGISTRY:+--registry "$REGISTRY"} "$@"; }

# stop NAME [SIGNAL]: returns the daemon's exit code.
stop() {
  local pid=${PID[$1]} code=0
  kill "-${2:-TERM}" "$pid"
  wait "$pid" || code=$?
  unset "PID[$1]"
  return "$code"
}

# --- requests and answers ---------------------------------------------------------------------

# http STATUS CURL-ARGS...: body in $WORK/body, head of the last answer in $WORK/head.
http() {
  local expected=$1 status
  shift
  : >"$WORK/head"
  status=$(curl -sS --max-time 120 -o "$WORK/body" -D "$WORK/head" -w '%{http_code}' "$@" \
    2>"$WORK/curl.err") || [[ $status != 000 ]] || fail "curl $*: $(cat "$WORK/curl.err")"
  [[ $status == "$expected" ]] ||
    fail "curl $*: status $status, expected $expected: $(head -c 600 "$WORK/body")"
}
# header NAME: its value in the last answer (after any 100 Continue).
header() {
  tr -d '\r' <"$WORK/head" | awk -v name="${1,,}:" '
    /^HTTP\// { value = "" }
    tolower(substr($0, 1, length(name))) == name { value = substr($0, length(name) + 1) }
    END { sub(/^ +/, "", value); print value }'
}
json() { jq -er "$1" "$WORK/body" || fail "no $1 in $(head -c 600 "$WORK/body")"; }
# expect WHAT ACTUAL EXPECTED
expect() { [[ $2 == "$3" ]] || fail "$1: '$2', expected '$3'"; }
# expect_problem TYPE: the last answer is a problem document of that type with a request id.
expect_problem() {
  [[ $(header Content-Type) == application/problem+json* ]] ||
    fail "no problem document: $(header Content-Type)"
  local type
  type=$(json .type)
  [[ ${type##*[/:]} == "$1" ]] || fail "problem type '$type', expected $1: $(json .detail)"
  expect "request id" "$(json .request_id)" "$(header X-Request-Id)"
}
# raw TEXT: sends it on a socket of its own to $STORAGE, prints what comes back.
raw() {
  local address=${STORAGE#http://}
  exec 9<>"/dev/tcp/${address%:*}/${address##*:}"
  printf '%b' "$1" >&9
  timeout 20 cat <&9 || true
  exec 9>&-
}

# upload FILE [NAME[?QUERY]]: sets ID and $WORK/body.
upload() {
  http 201 -T "$1" "$STORAGE/v1/upload/${2:-$(basename "$1")}"
  ID=$(json .id)
}
image_count() { curl -sSf "$STORAGE/v1/images" | jq '(.images? // .) | length'; }

# --- bytes ------------------------------------------------------------------------------------

# noise BYTES [SEED]: the same bytes for the same seed, not compressible.
noise() {
  { openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass "pass:${2:-strata}" </dev/zero 2>/dev/null || true; } |
    head -c "$1"
}
sha() { "sha${1}sum" <"$2" | cut -d' ' -f1; }
# check_digests VIEW FILE: sizes and digests of the image JSON in $WORK/body are those of the file.
check_digests() {
  local bits
  expect "$1 bytes of $2" "$(json ".$1.bytes")" "$(stat -c %s "$2")"
  for bits in 1 256 512; do
    expect "$1 sha-$bits of $2" "$(json ".$1.digests[\"sha-$bits\"]")" "$(sha "$bits" "$2")"
  done
}
same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }
# make_disk FILE: a small ext4 image with files of this machine.
make_disk() {
  mkdir "$WORK/disk-files"
  cp -r "$STRATA_SOURCE/storage" "$STRATA_SOURCE/include" "$WORK/disk-files"
  noise 9000000 disk >"$WORK/disk-files/noise"
  mke2fs -q -t ext4 -d "$WORK/disk-files" "$1" 48M >/dev/null
  rm -r "$WORK/disk-files"
}
