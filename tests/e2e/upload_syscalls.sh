# What an acknowledged offset means, seen by strace: bytes written and synced, journal written and synced, and
# only then the answer; for the image also link, sync of the folder and catalogue. No power need be cut to
# see that an answer came too early.
. "$(dirname "$0")/lib.sh"
printf '[limits]\nupload_checkpoint_bytes = 2097152\n' >"$WORK/storage.toml"
start_storage --config "$WORK/storage.toml"
# Each upload has bytes of its own: those that are there already need no link.
make_image() {
  noise 25000001 "$1" >"$WORK/image.raw"
  [[ $2 == image.raw ]] || xz -0 --block-size=4MiB -c "$WORK/image.raw" >"$WORK/$2"
  size=$(stat -c %s "$WORK/$2")
}

# trace: all threads, until traced. Exit code 77 is "skipped" where processes may not be traced.
trace() {
  : >"$WORK/strace.err"
  strace -f -y -s 512 -o "$WORK/trace" -p "${PID[storage]}" \
    -e trace=write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,link,linkat,rename,sendmsg,sendto \
    2>"$WORK/strace.err" &
  PID[strace]=$!
  await 20 attached || fail "strace does not attach"
  alive strace || { say "SKIPPED: $(cat "$WORK/strace.err")" && exit 77; }
}
attached() { grep -q ' attached' "$WORK/strace.err" || ! alive strace; }
check() { python3 -B "$(dirname "$0")/../support/upload_trace.py" "$1" "$WORK/storage" "${@:2}"; }
# traced SYNCED KIND...: the trace holds answers of these kinds, all in order; SYNCED is the last file that
# must be synced for the last of them.
traced() {
  kill -INT "${PID[strace]}"
  wait "${PID[strace]}" || true
  unset 'PID[strace]'
  local found
  found=$(check "$WORK/trace" "${@:2}" 2>&1) || fail "the order is wrong: $found"
  say "$found"
  # The check itself: an answer without that sync must be noticed.
  grep -v "fdatasync.*$1" "$WORK/trace" >"$WORK/no-sync"
  ! check "$WORK/no-sync" >"$WORK/found" 2>&1 ||
    fail "the check does not see a missing sync"
}
# part FILE FIRST END CURL-ARGS...: PATCH of these bytes.
part() {
  tail -c +$(($2 + 1)) "$1" | head -c $(($3 - $2)) >"$WORK/part" || true
  http "$PATCHED" -X PATCH -H "Upload-Offset: $2" --data-binary "@$WORK/part" "${@:4}" "$URL"
}

for file in image.raw image.raw.xz; do
  make_image "tus $file" "$file"
  say "tus, $file: one PATCH, and one that completes it"
  trace
  http 201 -X POST -H 'Tus-Resumable: 1.0.0' -H "Upload-Length: $size" "$STORAGE/v1/uploads"
  URL=$(header Location) PATCHED=204
  for range in 0:9000001 "9000001:$size"; do
    part "$WORK/$file" "${range%:*}" "${range#*:}" -H 'Tus-Resumable: 1.0.0' -H 'Content-Type: application/offset+octet-stream'
  done
  [[ -n $(header Strata-Image) ]] || fail "no image"
  traced uploads/journal created offset image

  say "IETF, $file: each 104 that tells an offset"
  make_image "ietf $file" "$file"
  trace
  http 201 -X POST -H 'Upload-Complete: ?0' "$STORAGE/v1/uploads"
  URL=$(header Location) PATCHED=201
  part "$WORK/$file" 0 "$size" -H 'Content-Type: application/partial-upload' -H 'Upload-Complete: ?1' --limit-rate 40M
  [[ $(grep -c '^HTTP/1.1 104' "$WORK/head") -gt 1 ]] || fail "no progress was told"
  traced uploads/journal created offset image

  say "cancelled, $file: the removal is on the disk before it is told"
  make_image "cancelled $file" "$file"
  trace
  http 201 -X POST -H 'Tus-Resumable: 1.0.0' -H "Upload-Length: $size" "$STORAGE/v1/uploads"
  URL=$(header Location) PATCHED=204
  part "$WORK/$file" 0 3000001 -H 'Tus-Resumable: 1.0.0' -H 'Content-Type: application/offset+octet-stream'
  http 204 -X DELETE -H 'Tus-Resumable: 1.0.0' "$URL"
  traced uploads/journal created offset removed

  say "PUT, $file: no session, the same order at its publication"
  make_image "put $file" "$file"
  trace
  http 201 -T "$WORK/$file" "$STORAGE/v1/upload/$file"
  traced 'catalog/' image
done
