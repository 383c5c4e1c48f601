#!/bin/bash
# Uploads of one image as it is and as gz, xz and zst over loopback: decoded GB/s and server CPU seconds per decoded
# GiB. With STRATA_BEFORE=DIR (a folder with the strata-storage of another version, for example of one without seek
# indexes) both versions run in turns, and the table says how their rates compare.
#   BYTES=1073741824  of the image
. "$(dirname "$0")/lib.sh"
BYTES=${ENCODED_BYTES:-1073741824}

note "encoded: making an image of $BYTES bytes"
{ tar -c --ignore-failed-read --warning=none -C / usr/lib usr/share usr/bin 2>/dev/null || true; } |
  head -c $((BYTES * 7 / 8)) >"$WORK/image.raw"
truncate -s "$BYTES" "$WORK/image.raw"
pigz -6 -c "$WORK/image.raw" >"$WORK/image.gz"
xz -1 -T0 -c "$WORK/image.raw" >"$WORK/image.xz"
zstd -q -3 -c "$WORK/image.raw" >"$WORK/image.zst"

start_versions

upload() {
  local name=$1 suffix=$2 begun cpu
  cpu=$(cpu_seconds "${PID[$name]}")
  begun=$EPOCHREALTIME
  curl -sSf -T "$WORK/image.$suffix" -o "$WORK/answer.json" "${URL[$name]}/v1/upload/image.$suffix"
  echo "$(calc "$EPOCHREALTIME - $begun" 6)" >>"$WORK/$name.$suffix.wall"
  echo "$(calc "$(cpu_seconds "${PID[$name]}") - $cpu" 6)" >>"$WORK/$name.$suffix.cpu"
  curl -sSf -X DELETE "${URL[$name]}/v1/images/$(jq -r .id "$WORK/answer.json")"
  sleep 1 # the collector gives the space back
  sync
}

[[ -n $TABLE ]] || heading
for suffix in raw gz xz zst; do
  cat "$WORK/image.$suffix" >/dev/null
  for ((round = 1; round <= ROUNDS; ++round)); do
    for name in "${versions[@]}"; do upload "$name" "$suffix"; done
  done
  for name in "${versions[@]}"; do
    rate=$(calc "$BYTES / $(median <"$WORK/$name.$suffix.wall") / 1e9" 3)
    cpu=$(calc "$(median <"$WORK/$name.$suffix.cpu") / ($BYTES / 1073741824)" 2)
    note "encoded: $suffix, $name: $rate GB/s decoded, server $cpu CPU s/GiB"
    declare "rate_$name=$rate" "cpu_$name=$cpu"
  done
  if [[ -n ${STRATA_BEFORE:-} ]]; then
    row "upload of $suffix, decoded GB/s" "$rate_now" "before $rate_before" "$(calc "$rate_now / $rate_before")" \
      "CPU s/GiB $cpu_now, before $cpu_before"
  else
    row "upload of $suffix, decoded GB/s" "$rate_now" "" "" "CPU s/GiB $cpu_now"
  fi
done
