#!/bin/bash
# GET of a whole file (curl) and of random ranges of 1 MiB and 64 KiB (wrk -t1 -c8), strata-storage in turns
# with nginx (2 workers, sendfile) on the same bytes over loopback.
#   DURATION=3   seconds of each wrk run
. "$(dirname "$0")/lib.sh"
DURATION=${DURATION:-3}

note "ranges: making a file of $BYTES bytes"
make_file
start_storage
curl -sSf -T "$WORK/file" -o "$WORK/image.json" "$STORAGE/v1/upload/load.raw"
strata_url=$STORAGE/v1/images/$(jq -r .id "$WORK/image.json")/content
curl -sSf -o /dev/null "$strata_url" # into the page cache

start_nginx() {
  local port
  mkdir -p "$WORK/nginx"
  for _ in {1..20}; do
    port=$((20000 + RANDOM % 20000))
    cat >"$WORK/nginx.conf" <<CONF
daemon off;
worker_processes 2;
pid $WORK/nginx/pid;
error_log $WORK/nginx/error.log;
$( ((EUID == 0)) && echo "user root;")
events { worker_connections 1024; }
http {
  sendfile on;
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path $WORK/nginx/body;
  proxy_temp_path $WORK/nginx/proxy;
  fastcgi_temp_path $WORK/nginx/fastcgi;
  uwsgi_temp_path $WORK/nginx/uwsgi;
  scgi_temp_path $WORK/nginx/scgi;
  server { listen 127.0.0.1:$port; root $WORK; }
}
CONF
    nginx -p "$WORK/nginx" -c "$WORK/nginx.conf" 2>"$WORK/nginx.log" &
    nginx_pid=$!
    for _ in {1..40}; do
      if curl -sf -o /dev/null -r 0-0 "http://127.0.0.1:$port/file"; then
        PIDS+=("$nginx_pid")
        nginx_url=http://127.0.0.1:$port/file
        return 0
      fi
      kill -0 "$nginx_pid" 2>/dev/null || break
      sleep 0.05
    done
    wait "$nginx_pid" 2>/dev/null || true # the port was taken
  done
  cat "$WORK/nginx.log" >&2
  exit 1
}
start_nginx

whole() { curl -sSf -o /dev/null -w '%{speed_download}\n' "$1"; }
# random URL LENGTH: bytes per second of random ranges; all answers must be 206 or it fails.
random() {
  wrk -t1 -c8 -d"${DURATION}s" -s "$LOAD_DIR/ranges.lua" "$1" -- "$BYTES" "$2" >"$WORK/wrk.out" ||
    { cat "$WORK/wrk.out" >&2; exit 1; }
  sed -n 's/^RESULT //p' "$WORK/wrk.out" | grep . || { cat "$WORK/wrk.out" >&2; exit 1; }
}

for ((round = 1; round <= ROUNDS; ++round)); do
  for side in nginx strata; do
    url=${side}_url
    whole "${!url}" >>"$WORK/$side.whole"
    random "${!url}" 1048576 >>"$WORK/$side.1m"
    random "${!url}" 65536 >>"$WORK/$side.64k"
  done
  note "ranges: round $round of $ROUNDS"
done

# compare WHAT FILE: medians in GB/s.
compare() {
  local strata nginx
  strata=$(calc "$(median <"$WORK/strata.$2") / 1e9" 3)
  nginx=$(calc "$(median <"$WORK/nginx.$2") / 1e9" 3)
  row "$1" "$strata GB/s" "nginx $nginx GB/s" "$(calc "$strata / $nginx")" ""
}
[[ -n $TABLE ]] || heading
compare "GET, whole file" whole
compare "GET, random 1 MiB" 1m
compare "GET, random 64 KiB" 64k
