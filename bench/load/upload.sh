#!/bin/bash
# PUT of a file in the page cache by curl -T over loopback, with all digests and durable publication, in
# turns with `openssl dgst -sha512` of the same file; server CPU seconds per GiB.
. "$(dirname "$0")/lib.sh"

note "upload: making a file of $BYTES bytes"
make_file
start_storage
before=$(cpu_seconds "$STORAGE_PID")
for ((round = 1; round <= ROUNDS; ++round)); do
  # Other bytes in each round, so that each is published anew.
  printf '%08d' "$round" | dd of="$WORK/file" conv=notrunc status=none
  digest=$(timed openssl dgst -sha512 "$WORK/file")
  upload=$(timed curl -sSf -T "$WORK/file" -o "$WORK/image.json" "$STORAGE/v1/upload/load.raw")
  echo "$digest" >>"$WORK/digest.times"
  echo "$upload" >>"$WORK/upload.times"
  note "upload: round $round: $(calc "$BYTES / $upload / 1e9" 3) GB/s, openssl $(calc "$BYTES / $digest / 1e9" 3) GB/s"
  id=$(jq -r .id "$WORK/image.json")
  [[ $(jq -r '.stored.digests["sha-512"]' "$WORK/image.json") == "$(sed 's/.*= //' <(openssl dgst -sha512 "$WORK/file"))" ]] ||
    { note "upload: the digest is wrong"; exit 1; }
  curl -sSf -X DELETE "$STORAGE/v1/images/$id"
done
after=$(cpu_seconds "$STORAGE_PID")
upload=$(calc "$BYTES / $(median <"$WORK/upload.times") / 1e9" 3)
digest=$(calc "$BYTES / $(median <"$WORK/digest.times") / 1e9" 3)
cpu=$(calc "($after - $before) / ($ROUNDS * $BYTES / 1073741824)")
[[ -n $TABLE ]] || heading
row "upload, curl -T" "$upload GB/s" "openssl -sha512 $digest GB/s" "$(calc "$upload / $digest")" \
  "server $cpu CPU s/GiB"
