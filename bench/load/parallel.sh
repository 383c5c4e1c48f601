#!/bin/bash
# 1, 4 and 16 uploads at once over loopback, each of its own bytes, with all digests and durable
# publication: server CPU seconds per GiB, in all and of the digests, and GB/s of all together. With
# STRATA_BEFORE=DIR (a folder with the strata-storage of another version) both versions run in turns
# and the table says how the costs compare.
#   BYTES=2147483648  of all uploads together
. "$(dirname "$0")/lib.sh"

note "parallel: making a file of $BYTES bytes"
make_file

start_versions

# compute_seconds PID: of the threads that digest (and decode, which these uploads do not need).
compute_seconds() {
  cat /proc/"$1"/task/*/stat |
    awk -v hz="$(getconf CLK_TCK)" '/\(compute\)/ { sub(/^.*\) /, ""); sum += $12 + $13 } END { print sum / hz }'
}

# upload NAME COUNT ROUND: one turn; wall seconds and server CPU seconds go to files.
upload() {
  local name=$1 count=$2 round=$3 i begun cpu compute clients=()
  for ((i = 0; i < count; ++i)); do
    # Other bytes in each turn, so that each is published anew.
    printf '%s %08d' "$name" "$round" | dd of="$WORK/part.$i" conv=notrunc status=none
  done
  cpu=$(cpu_seconds "${PID[$name]}")
  compute=$(compute_seconds "${PID[$name]}")
  begun=$EPOCHREALTIME
  for ((i = 0; i < count; ++i)); do
    curl -sSf -T "$WORK/part.$i" -o "$WORK/$i.json" "${URL[$name]}/v1/upload/$i.raw" &
    clients+=($!)
  done
  for i in "${clients[@]}"; do wait "$i" || { note "parallel: an upload failed"; exit 1; }; done
  echo "$(calc "$EPOCHREALTIME - $begun" 6)" >>"$WORK/$name.$count.wall"
  echo "$(calc "$(cpu_seconds "${PID[$name]}") - $cpu" 6)" >>"$WORK/$name.$count.cpu"
  echo "$(calc "$(compute_seconds "${PID[$name]}") - $compute" 6)" >>"$WORK/$name.$count.compute"
  for ((i = 0; i < count; ++i)); do
    curl -sSf -X DELETE "${URL[$name]}/v1/images/$(jq -r .id "$WORK/$i.json")"
  done
  sleep 1 # the collector gives the space back
  sync
}

[[ -n $TABLE ]] || heading
for count in 1 4 16; do
  rm -f "$WORK"/part.*
  split -n "$count" -d -a 2 "$WORK/file" "$WORK/part."
  for ((i = 0; i < count; ++i)); do
    [[ -e $WORK/part.$i ]] || mv "$WORK/part.$(printf %02d "$i")" "$WORK/part.$i"
  done
  cat "$WORK"/part.* >/dev/null
  for ((round = 1; round <= ROUNDS; ++round)); do
    for name in "${versions[@]}"; do upload "$name" "$count" "$round"; done
  done
  for name in "${versions[@]}"; do
    wall=$(median <"$WORK/$name.$count.wall")
    rate=$(calc "$BYTES / $wall / 1e9" 3)
    cpu=$(calc "$(median <"$WORK/$name.$count.cpu") / ($BYTES / 1073741824)" 2)
    compute=$(calc "$(median <"$WORK/$name.$count.compute") / ($BYTES / 1073741824)" 2)
    note "parallel: $count uploads, $name: $rate GB/s, server $cpu CPU s/GiB, $compute of it digests"
    declare "rate_$name=$rate" "cpu_$name=$cpu" "compute_$name=$compute"
  done
  if [[ -n ${STRATA_BEFORE:-} ]]; then
    row "$count uploads, CPU s/GiB" "$cpu_now" "before $cpu_before" "$(calc "$cpu_now / $cpu_before")" \
      "digests $compute_now, before $compute_before; $rate_now GB/s, before $rate_before GB/s"
  else
    row "$count uploads, CPU s/GiB" "$cpu_now" "" "" "digests $compute_now; $rate_now GB/s"
  fi
done
