#!/bin/bash
# What durability costs a resumable upload, and what an idle session holds. In one run and in turns: a tus
# upload in one PATCH with the default checkpoints, the same with none before its end, a plain PUT, and
# @tus/server of npm (which never syncs and digests nothing).
#   SESSIONS=2000   idle sessions for the memory figures
source "$(dirname "$0")/lib.sh"
SESSIONS=${SESSIONS:-2000}
limits='removal_grace = 0\nopen_uploads_per_user = 100000\nupload_records_per_user = 100000\n'
cold='upload_warm_idle = 1\n'

# start_daemon NAME LIMITS: its URL in URL_NAME, its pid in PID_NAME.
start_daemon() {
  printf "[limits]\n$2" >"$WORK/$1.toml"
  : >"$WORK/$1.log"
  "$STRATA_BIN/strata-storage" --config "$WORK/$1.toml" --listen 127.0.0.1:0 --data "$WORK/$1" \
    2>"$WORK/$1.log" &
  printf -v "PID_$1" %s $!
  PIDS+=($!)
  await_url "$1"
}
await_url() {
  local url=
  for _ in {1..200}; do
    url=$(sed -n 's/^listening on //p' "$WORK/$1.log" | head -n 1)
    [[ -z $url ]] || break
    sleep 0.05
  done
  [[ -n $url ]] || { cat "$WORK/$1.log" >&2; exit 1; }
  printf -v "URL_$1" %s "$url"
}
start_daemon durable "$limits$cold"
start_daemon lazy "$limits${cold}upload_checkpoint_bytes = 1099511627776\nupload_checkpoint_interval = 86400\n"
if modules=$("$LOAD_DIR/../../tests/support/npm_packages.sh" tus-server \
  @tus/server@1.10.2 @tus/file-store@1.5.1); then
  mkdir "$WORK/tus"
  node "$LOAD_DIR/tus_server.mjs" "$modules" "$WORK/tus" >"$WORK/npm.log" 2>&1 &
  PID_npm=$!
  PIDS+=("$PID_npm")
  await_url npm
else
  note "resumable: npm or its registry is not there; without @tus/server"
  URL_npm=
fi

# create URL LENGTH: the place of a new upload.
create() {
  curl -sf -i -X POST "$1" -H 'Tus-Resumable: 1.0.0' -H "Upload-Length: $2" -H 'Content-Length: 0' |
    tr -d '\r' | sed -n 's/^[Ll]ocation: //p'
}
patch() {
  curl -sf -X PATCH -T "$2" "$1" -H 'Tus-Resumable: 1.0.0' -H 'Upload-Offset: 0' -H 'Expect:' \
    -H 'Content-Type: application/offset+octet-stream' -o /dev/null
}
tus_upload() { patch "$(create "$1" "$BYTES")" "$WORK/file"; }
put() { curl -sf -T "$WORK/file" "$URL_durable/v1/upload/put" -o /dev/null; }
drop_images() {
  local url id
  for url in "$URL_durable" "$URL_lazy"; do
    for id in $(curl -s "$url/v1/images" | grep -o '"id":"[^"]*' | cut -d'"' -f4); do
      curl -sf -X DELETE "$url/v1/images/$id"
    done
  done
  rm -f "$WORK"/tus/*
}

change() { printf '%-8s' "$round$1" | dd of="$WORK/file" conv=notrunc status=none; }
make_file
ways=(durable lazy put)
[[ -z $URL_npm ]] || ways+=(npm)
upload() {
  case $1 in
    durable) tus_upload "$URL_durable/v1/uploads" ;;
    lazy) tus_upload "$URL_lazy/v1/uploads" ;;
    put) put ;;
    npm) tus_upload "$URL_npm/files" ;;
  esac
}
for ((round = 0; round < ROUNDS; ++round)); do
  for ((turn = 0; turn < ${#ways[@]}; ++turn)); do
    # Each way begins a round in its turn, and starts with the disk idle: what one leaves to be written
    # back would be counted against the next.
    way=${ways[(round + turn) % ${#ways[@]}]}
    change "$way"
    timed upload "$way" >>"$WORK/$way.s"
    drop_images
    sync -f "$WORK"
    sleep 1
  done
done
rate() { calc "$BYTES / $(median <"$WORK/$1.s") / 1e9" 3; }
[[ -n $TABLE ]] || heading
row "tus, 1 PATCH, durable GB/s" "$(rate durable)" "no checkpoints $(rate lazy)" \
  "$(calc "$(rate durable) / $(rate lazy)")" "asked: at least 0.95"
row "" "$(rate durable)" "plain PUT $(rate put)" "$(calc "$(rate durable) / $(rate put)")" ""
[[ -z $URL_npm ]] || row "" "$(rate durable)" "@tus/server $(rate npm)" \
  "$(calc "$(rate durable) / $(rate npm)")" "which neither syncs nor digests"

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
head -c 4096 "$WORK/file" >"$WORK/small"
# idle URL PID: how much the process has grown for each session, in bytes. One curl makes them all and one
# fills them: a process for each request would take longer than the requests.
idle() {
  local i url
  BEFORE=$(rss "$2")
  for ((i = 0; i < SESSIONS; ++i)); do
    ((i == 0)) || echo next
    printf '%s\n' "url=$1" request=POST silent fail 'header="Tus-Resumable: 1.0.0"' \
      'header="Upload-Length: 1000000"' 'header="Content-Length: 0"' dump-header=- output=/dev/null
  done >"$WORK/posts"
  curl -K "$WORK/posts" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p' >"$WORK/places"
  (($(wc -l <"$WORK/places") == SESSIONS)) || { note "resumable: not all sessions were made"; exit 1; }
  i=0
  while read -r url; do
    ((i++ == 0)) || echo next
    printf '%s\n' "url=$url" request=PATCH silent fail 'header="Tus-Resumable: 1.0.0"' 'header="Upload-Offset: 0"' \
      'header="Content-Type: application/offset+octet-stream"' "data-binary=@$WORK/small" output=/dev/null
  done <"$WORK/places" >"$WORK/patches"
  curl -K "$WORK/patches"
  per_session "$2"
}
per_session() { calc "($(rss "$1") - $BEFORE) * 1024 / $SESSIONS" 0; }
idle "$URL_durable/v1/uploads" "$PID_durable" >"$WORK/fresh" # not $(...): BEFORE is kept
fresh=$(<"$WORK/fresh")
sleep 12 # two sweeps: their pipelines are closed
cooled=$(per_session "$PID_durable")
npm='-'
if [[ -n $URL_npm ]]; then
  idle "$URL_npm/files" "$PID_npm" >"$WORK/npm.idle"
  npm=$(<"$WORK/npm.idle")
fi
row "idle session, bytes RSS" "$cooled" "fresh ones $fresh, @tus/server $npm" "" "of $SESSIONS sessions with 4 KiB"
# Sessions whose pipeline is kept, as many as a site would have at once.
start_daemon warm "${limits}upload_warm_idle = 600\nupload_warm_max = 1000\n"
SESSIONS=60
idle "$URL_warm/v1/uploads" "$PID_warm" >"$WORK/warm.idle"
row "warm session, bytes RSS" "$(<"$WORK/warm.idle")" "" "" "of $SESSIONS sessions with 4 KiB"
