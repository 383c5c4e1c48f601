# The readers that images are for: QEMU's http driver and nbdkit, on raw and qcow2.
. "$(dirname "$0")/lib.sh"
start_storage
make_disk "$WORK/disk.raw"
qemu-img convert -q -f raw -O qcow2 "$WORK/disk.raw" "$WORK/disk.qcow2"

upload "$WORK/disk.raw"
expect "format" "$(json .format)" raw
raw_url=$STORAGE/v1/images/$ID/content
raw_decoded_url=$STORAGE/v1/images/$ID/decoded
upload "$WORK/disk.qcow2"
expect "format" "$(json .format)" qcow2
expect "virtual size" "$(json .virtual_bytes)" "$(stat -c %s "$WORK/disk.raw")"
qcow2_url=$STORAGE/v1/images/$ID/content

# -m 1: with several requests in flight QEMU 7.2 hangs now and then, whatever the server is.
say "qemu-img convert of raw, of the decoded view of it, and of qcow2"
timeout 120 qemu-img convert -m 1 -f raw -O raw "$raw_url" "$WORK/pulled"
same "$WORK/pulled" "$WORK/disk.raw"
timeout 120 qemu-img convert -m 1 -f raw -O raw "$raw_decoded_url" "$WORK/pulled"
same "$WORK/pulled" "$WORK/disk.raw"
timeout 120 qemu-img convert -m 1 -f raw -O raw "$qcow2_url" "$WORK/pulled"
head -c "$(stat -c %s "$WORK/disk.qcow2")" "$WORK/pulled" >"$WORK/pulled.qcow2"
same "$WORK/pulled.qcow2" "$WORK/disk.qcow2"
timeout 120 qemu-img convert -m 1 -f qcow2 -O raw "$qcow2_url" "$WORK/pulled"
qemu-img compare -q -f raw -F raw "$WORK/pulled" "$WORK/disk.raw" || fail "the qcow2's disk differs"

say "qemu-io reads here and there"
io() {
  timeout 60 qemu-io -r -f "$1" -c "read -v $3 $4" "$2" | grep -E '^[0-9a-f]{8}:' >"$WORK/io.remote"
  qemu-io -r -f raw -c "read -v $3 $4" "$WORK/disk.raw" | grep -E '^[0-9a-f]{8}:' >"$WORK/io.local"
  [[ -s $WORK/io.local ]] || fail "qemu-io shows no bytes"
  same "$WORK/io.remote" "$WORK/io.local"
}
for place in "0 512" "1024 1024" "1048064 4096" "50330624 1024"; do
  # shellcheck disable=SC2086 # two words
  io raw "$raw_url" $place
  # shellcheck disable=SC2086
  io qcow2 "$qcow2_url" $place
done

say "nbdkit's curl plugin and nbdcopy"
timeout 120 nbdkit -U - curl "$raw_url" --run "nbdcopy \"\$uri\" '$WORK/nbd'"
same "$WORK/nbd" "$WORK/disk.raw"
timeout 120 nbdkit -U - curl "$qcow2_url" \
  --run "qemu-img convert -f qcow2 -O raw \"\$uri\" '$WORK/nbd.raw'"
qemu-img compare -q -f raw -F raw "$WORK/nbd.raw" "$WORK/disk.raw" || fail "qcow2 over nbd differs"
