#!/bin/bash
# A registry of ENTRIES signed entries (default 1 000 000): how fast they come in, beside bare RSA-2048 verification on
# one core; then five questions in the store, in SQLite with FTS5 and the same rows, and over HTTP, cold and warm; restart time and
# resident memory. A million takes about half an hour and 10 GB in STRATA_TMP. With KEEP=DIR the entries stay there, and are used
# again when they are there.
#   ENTRIES=20000 bench/load/entries.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

ENTRIES=${ENTRIES:-1000000}
BENCH=$STRATA_BIN/strata-entries-bench
DATA=${KEEP:-$WORK/data}
[[ -x $BENCH ]] || { echo "$STRATA_BIN has no strata-entries-bench: run tools/build" >&2; exit 1; }

openssl req -x509 -newkey rsa:2048 -nodes -keyout "$WORK/key.pem" -out "$WORK/crt.pem" -days 3650 \
  -subj "/O=Example/CN=Image Ops" -addext "subjectAltName=email:ops@images.example" 2>/dev/null

if [[ ! -d $DATA/entries ]]; then
  rsa=$(openssl speed -seconds 3 rsa2048 2>/dev/null | awk '/^rsa 2048/ { print $NF }')
  "$BENCH" fill "$DATA" "$ENTRIES" "$WORK/key.pem" "$WORK/crt.pem" >"$WORK/filled"
  wall=$(awk '/^ingest_wall/ { print $2 }' "$WORK/filled")
  cpu=$(awk '/^ingest_cpu/ { print $2 }' "$WORK/filled")
  echo "ingest: $wall entries/s with all cores, $cpu for a core's second (verified, indexed, synced)"
  echo "bare RSA-2048 verification (openssl speed, one core): $rsa/s; ratio $(calc "$cpu / $rsa" 4)"
fi
"$BENCH" ask "$DATA" "$ENTRIES"

begun=$EPOCHREALTIME
"$STRATA_BIN/strata-registry" --listen 127.0.0.1:0 --data "$DATA" 2>"$WORK/registry.log" &
REGISTRY_PID=$!
PIDS+=("$REGISTRY_PID")
until REGISTRY=$(sed -n 's/^listening on //p' "$WORK/registry.log" | head -n 1) && [[ -n $REGISTRY ]]; do
  kill -0 "$REGISTRY_PID" || { cat "$WORK/registry.log" >&2; exit 1; }
  sleep 0.01
done
echo "strata-registry: ready $(calc "($EPOCHREALTIME - $begun) * 1000" 0) ms after its start"
"$BENCH" http "$REGISTRY" "$DATA" "$ENTRIES"
awk '/^VmRSS/ { printf "strata-registry: RSS %.0f MiB\n", $2 / 1024 }' "/proc/$REGISTRY_PID/status"
