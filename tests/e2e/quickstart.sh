# tools/quickstart itself, on an image of each kind; it leaves nothing but its data folder.
. "$(dirname "$0")/lib.sh"
export STRATA_BIN
make_disk "$WORK/disk.raw"
qemu-img convert -q -f raw -O qcow2 "$WORK/disk.raw" "$WORK/disk.qcow2"
zstd -q "$WORK/disk.raw" -o "$WORK/disk.raw.zst"
mkdir "$WORK/elsewhere"

for image in disk.qcow2 disk.raw.zst; do
  say "$image"
  (cd "$WORK/elsewhere" && "$STRATA_SOURCE/tools/quickstart" "../$image" --once --data "$WORK/data") \
    >"$WORK/quickstart.log" 2>&1 || fail "quickstart failed"
  grep -q '^Everything matched' "$WORK/quickstart.log" || fail "it does not say that all matched"
  ! grep -q '✗' "$WORK/quickstart.log" || fail "a check failed"
done
expect "left in its folder" "$(find "$WORK/elsewhere" -mindepth 1)" ""
expect "left in data" "$(find "$WORK/data" -maxdepth 1 -mindepth 1 -printf '%f\n' | sort | tr '\n' ' ')" \
  "registry registry.log storage storage.log "

say "stays up without --once, and ends both daemons on SIGTERM"
"$STRATA_SOURCE/tools/quickstart" "$WORK/disk.qcow2" --data "$WORK/data" >"$WORK/quickstart.log" 2>&1 &
PID[quickstart]=$!
stays() { grep -q 'Both daemons stay up' "$WORK/quickstart.log" || ! alive quickstart; }
await 60 stays || fail "it did not finish the job"
alive quickstart || fail "it ended"
url=$(sed -n 's/^ *storage *\(http[^ ]*\)$/\1/p' "$WORK/quickstart.log" | head -n 1)
curl -sSf -o /dev/null "$url/healthz" || fail "storage does not answer at $url"
code=0
stop quickstart || code=$?
expect "exit code after SIGTERM" "$code" 143
! curl -sf -o /dev/null "$url/healthz" || fail "storage still answers after the end"

say "refuses what it does not understand"
for arguments in "--nonsense" "$WORK/no-such-file" "--data"; do
  code=0
  # shellcheck disable=SC2086
  "$STRATA_SOURCE/tools/quickstart" $arguments >"$WORK/quickstart.log" 2>&1 || code=$?
  expect "exit code of $arguments" "$code" 2
done
