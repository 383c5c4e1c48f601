# Any byte of a compressed image: what real encoders write, ranges of it, extents, and the readers that
# images are for.
. "$(dirname "$0")/lib.sh"
RANGES=1000
SEED=${SEED:-$(date +%s)}
echo "SEED=$SEED"
check() { /usr/bin/python3 -B "$STRATA_SOURCE/tests/support/seek_check.py" "$@" 2>&1 || fail "see above"; }
decoded() { echo "$STORAGE/v1/images/$ID/decoded"; }

start_storage
make_disk "$WORK/disk.raw"
# Zero runs that neither begin nor end at a block, and one up to an end that is none.
{ head -c 22M "$WORK/disk.raw" && noise 700001 a && head -c 900001 /dev/zero && noise 1500000 b && head -c 123456 /dev/zero; } \
  >"$WORK/source"
head -c 400000 "$WORK/disk.raw" >"$WORK/small"
noise 100000 c >>"$WORK/small"

# --- encoders ---------------------------------------------------------------------------------

# thirds: $WORK/third.0 to .2, which together are the source.
thirds() { split -n 3 -d -a 1 "$WORK/source" "$WORK/third."; }
skippable() { # the N-th of them: magic 0x184D2A50 to 5F, then the length
  # shellcheck disable=SC2059 # escapes in the format are the point
  printf "\\x5$1\\x2a\\x4d\\x18\\x0b\\x00\\x00\\x00between two"
}

# encode NAME FILE: what NAME makes of FILE, on standard output.
encode() {
  local file=$2 n
  case $1 in
    gzip-*) gzip "-${1#gzip-}" -c "$file" ;;
    pigz) pigz -6 -p 2 -c "$file" ;;
    bgzip) bgzip -c "$file" ;;
    zopfli) zopfli --gzip --i1 -c "$file" ;;
    7z.gzip) 7z a -tgzip -bd -so any "$file" 2>/dev/null ;;
    members.gzip) for n in 0 1 2; do gzip "-$((3 * n + 1))" -c "$WORK/third.$n"; done ;;
    xz-T1) xz -1 -T1 -c "$file" ;;
    xz-T2) xz -0 -T2 -c "$file" ;;
    pixz.xz) pixz -1 -p 2 <"$file" ;;
    streams.xz)
      for n in 0 1 2; do
        xz -0 -c "$WORK/third.$n"
        head -c $((4 * n)) /dev/zero
      done
      ;;
    xz-*KiB | xz-*MiB) xz -0 --block-size="${1#xz-}" -c "$file" ;;
    zstd-19) zstd -q -19 --long=27 -T2 -c "$file" ;;
    zstd-*) zstd -q "-${1#zstd-}" -c "$file" ;;
    pzstd) pzstd -q -3 -p 2 -c "$file" ;;
    frames.zstd)
      skippable 0
      for n in 0 1 2; do
        zstd -q -1 -c "$WORK/third.$n"
        skippable $((n + 1))
      done
      ;;
    seekable.zstd) /usr/bin/python3 -B "$STRATA_SOURCE/tests/support/zstd_seekable.py" "$file" ;;
  esac
}
encoding_of() {
  case $1 in
    *xz*) echo xz ;;
    *zstd*) echo zstd ;;
    *) echo gzip ;;
  esac
}

# check_image FILE: the image $ID, whose JSON is in $WORK/body, is FILE when decoded, in any piece of it.
check_image() {
  check_digests decoded "$1"
  check ranges "$(decoded)" "$1" "$RANGES" "$SEED"
  check extents "$(decoded)" "$1"
}

thirds
for name in gzip-1 gzip-6 gzip-9 pigz bgzip zopfli 7z.gzip members.gzip xz-T1 xz-T2 pixz.xz streams.xz xz-64KiB xz-1MiB \
  zstd-1 zstd-19 pzstd frames.zstd seekable.zstd; do
  file=$WORK/source
  [[ $name != zopfli ]] || file=$WORK/small # it takes seconds for each MiB
  encode "$name" "$file" >"$WORK/encoded"
  upload "$WORK/encoded" "$name"
  say "$name: $(stat -c %s "$WORK/encoded") of $(stat -c %s "$file") bytes"
  expect "encoding" "$(json .encoding)" "$(encoding_of "$name")"
  check_image "$file"
done
say "an image that is not encoded"
upload "$WORK/source" source.raw
check_image "$WORK/source"

# --- readers ----------------------------------------------------------------------------------

say "strata pull: ranges at the same time, and no space for zeros"
export XDG_CONFIG_HOME=$WORK/config XDG_STATE_HOME=$WORK/state
for name in gzip-6 xz-T1 zstd-19; do
  "$STRATA_BIN/strata" pull "$name" --decoded --storage "$STORAGE" -o "$WORK/pulled" >"$WORK/pull.out"
  same "$WORK/pulled" "$WORK/source"
  grep -q '^holes  ' "$WORK/pull.out" || fail "no zeros were left out: $(cat "$WORK/pull.out")"
  (($(stat -c '%b * %B' "$WORK/pulled") < $(stat -c %s "$WORK/source") - 2000000)) || fail "the file is not sparse"
  rm "$WORK/pulled"
done

qemu-img convert -q -f raw -O qcow2 "$WORK/disk.raw" "$WORK/disk.qcow2"
xz -1 -c "$WORK/disk.qcow2" >"$WORK/disk.qcow2.xz"
gzip -6 -c "$WORK/disk.raw" >"$WORK/disk.img.gz"
zstd -q -3 -c "$WORK/disk.raw" >"$WORK/disk.raw.zst"
# io FORMAT URL OFFSET LENGTH: qemu-io reads what is there in the disk.
io() {
  timeout 60 qemu-io -r -f "$1" -c "read -v $3 $4" "$2" | grep -E '^[0-9a-f]{8}:' >"$WORK/io.remote"
  qemu-io -r -f raw -c "read -v $3 $4" "$WORK/disk.raw" | grep -E '^[0-9a-f]{8}:' >"$WORK/io.local"
  [[ -s $WORK/io.local ]] || fail "qemu-io shows no bytes"
  same "$WORK/io.remote" "$WORK/io.local"
}
size=$(stat -c %s "$WORK/disk.raw")
for file in disk.qcow2.xz disk.img.gz disk.raw.zst; do
  say "qemu-img, qemu-io, nbdkit and nbdcopy of $file"
  upload "$WORK/$file"
  format=raw
  [[ $file != *.qcow2.* ]] || format=qcow2
  # -m 1: with several requests in flight QEMU 7.2 hangs now and then, whatever the server is.
  timeout 120 qemu-img convert -m 1 -f "$format" -O raw "$(decoded)" "$WORK/converted"
  qemu-img compare -q -f raw -F raw "$WORK/converted" "$WORK/disk.raw" || fail "the disk in $file differs"
  for place in "$((size - 1024)) 1024" "$((size - 65536)) 4096" "1048064 4096"; do
    # shellcheck disable=SC2086 # two words
    io "$format" "$(decoded)" $place
  done
  timeout 120 nbdkit -U - curl "$(decoded)" --run "nbdcopy \"\$uri\" '$WORK/nbd'"
  # Block devices have whole sectors: nbdcopy's file may be a little longer than an odd qcow2.
  cmp -n "$(json .decoded.bytes)" "$WORK/nbd" "$WORK/$([[ $format == raw ]] && echo disk.raw || echo disk.qcow2)" ||
    fail "nbdcopy of $file differs"
done

# --- cuts and damage --------------------------------------------------------------------------

# tus OFFSET FILE CURL-ARGS...: PATCH of FILE to the upload at $PLACE.
tus() {
  curl -sS -o "$WORK/body" -w '%{http_code}' -X PATCH -H 'Tus-Resumable: 1.0.0' -H "Upload-Offset: $1" \
    -H 'Content-Type: application/offset+octet-stream' --data-binary "@$2" "${@:3}" "$STORAGE$PLACE"
}
uploading() { (($(find "$WORK/storage" -type f -newer "$WORK/begun" -printf '%b\n' | awk '{n += $1} END {print n * 512}') > $1)); }

for name in gzip-6 xz-T1; do
  say "kill -9 in the middle of an upload of $name, which goes on behind it"
  encode "$name" "$WORK/source" >"$WORK/encoded"
  echo "another image" | { if [[ $name == gzip* ]]; then gzip; else xz; fi; } >>"$WORK/encoded" # no blob of before
  { cat "$WORK/source" && echo "another image"; } >"$WORK/longer"
  bytes=$(stat -c %s "$WORK/encoded")
  head -c $((bytes / 3)) "$WORK/encoded" >"$WORK/first"
  tail -c +$((bytes / 3 + 1)) "$WORK/encoded" >"$WORK/rest"
  touch "$WORK/begun"
  http 201 -X POST -H 'Tus-Resumable: 1.0.0' -H "Upload-Length: $bytes" \
    -H "Upload-Metadata: filename $(printf %s "killed.$name" | base64)" "$STORAGE/v1/uploads"
  PLACE=$(header Location)
  PLACE=${PLACE#"$STORAGE"}
  expect "first part" "$(tus 0 "$WORK/first")" 204
  tus $((bytes / 3)) "$WORK/rest" --limit-rate 2M >/dev/null 2>&1 &
  client=$!
  await 20 uploading $((bytes / 2)) || fail "the second part does not arrive"
  stop storage KILL || true
  wait "$client" || true
  start_storage
  http 200 -I -H 'Tus-Resumable: 1.0.0' "$STORAGE$PLACE"
  offset=$(header Upload-Offset)
  ((offset >= bytes / 3 && offset < bytes)) || fail "offset $offset of $bytes; $((bytes / 3)) were acknowledged"
  tail -c +$((offset + 1)) "$WORK/encoded" >"$WORK/rest"
  expect "rest" "$(tus "$offset" "$WORK/rest")" 204
  http 200 "$STORAGE$PLACE"
  ID=$(json .image)
  http 200 "$STORAGE/v1/images/$ID"
  check_digests stored "$WORK/encoded"
  check_image "$WORK/longer"
done

# blob_of BYTES SHA256: the file of the stored bytes.
blob_of() {
  local file
  while read -r file; do
    if [[ $(sha 256 "$file") == "$2" ]]; then echo "$file"; fi
  done < <(find "$WORK/storage/store/blobs" -type f -size "${1}c" ! -name '*.*')
}
# What is derived of the stored bytes, which are whole, is made again.
healed() {
  /usr/bin/python3 -B "$STRATA_SOURCE/tests/support/seek_check.py" ranges "$(decoded)" "$WORK/source" 50 1 &>/dev/null
}
# flip_bit FILE: in its middle, which is compressed noise of the source, where every bit counts.
flip_bit() {
  local offset byte
  offset=$(($(stat -c %s "$1") / 2))
  byte=$(od -An -tu1 -j "$offset" -N 1 "$1")
  # shellcheck disable=SC2059 # the byte is made by printf itself
  printf "\\x$(printf %x $((byte ^ 16)))" | dd of="$1" bs=1 seek="$offset" conv=notrunc status=none
}
# Where ranges are read from: the stored bytes, or the copy of what cannot be entered there.
for name in gzip-6 xz-64KiB seekable.zstd xz-T1; do
  "$STRATA_BIN/strata" show "$name" --storage "$STORAGE" --json >"$WORK/body"
  ID=$(json .id)
  blob=$(blob_of "$(json .stored.bytes)" "$(json '.stored.digests["sha-256"]')")
  [[ -n $blob ]] || fail "no blob of $name"
  stop storage || fail "exit code $?"
  if [[ -e $blob.copy ]]; then blob+=.copy; fi
  say "a flipped bit in ${blob##*/} of $name"
  flip_bit "$blob"
  start_storage # with nothing of it in memory
  if [[ $blob == *.copy ]]; then
    await 60 healed || fail "the copy was not made again"
  else
    say "$(check damaged "$(decoded)" "$WORK/source")"
    check damaged "$(decoded)" "$WORK/source" >/dev/null # again: no wrong bytes from a cache either
  fi
  grep -q '^[^ ]* error .*corrupt-data' "$WORK/storage.log" || fail "no line in the log says so"
done

# An index that is of another version, damaged or lost: nothing of it is used, and it is made again.
"$STRATA_BIN/strata" show gzip-9 --storage "$STORAGE" --json >"$WORK/body"
ID=$(json .id)
blob=$(blob_of "$(json .stored.bytes)" "$(json '.stored.digests["sha-256"]')")
for harm in version damage loss; do
  say "an index with another $harm is made again"
  stop storage || fail "exit code $?"
  tables=$(LC_ALL=C grep -abo SIdx "$blob.index" | tail -n 1 | cut -d: -f1)
  case $harm in
    version) printf '\x02' | dd of="$blob.index" bs=1 seek=$((tables + 4)) conv=notrunc status=none ;;
    damage) printf '\xff' | dd of="$blob.index" bs=1 seek=$((tables + 90)) conv=notrunc status=none ;;
    loss) rm "$blob.index" ;;
  esac
  start_storage
  status=$(curl -sS -o "$WORK/body" -D "$WORK/head" -w '%{http_code}' -r 0-99 "$(decoded)")
  if [[ $status == 503 ]]; then
    [[ -n $(header Retry-After) ]] || fail "503 without Retry-After"
  else
    expect "status while the index is made" "$status" 206 # made already
  fi
  await 60 healed || fail "the index was not made again"
  tables=$(LC_ALL=C grep -abo SIdx "$blob.index" | tail -n 1 | cut -d: -f1)
  expect "version" "$(tail -c +$((tables + 5)) "$blob.index" | head -c 1 | od -An -tu1 | tr -d ' ')" 1
done

say "without a copy, an xz in one block has no ranges, and is whole"
stop storage || fail "exit code $?"
printf '[limits]\nseek_copy_bytes_max = 0\n' >"$WORK/never.toml"
start_storage --config "$WORK/never.toml"
{ xz -1 -T1 -c "$WORK/source" && echo "one more" | xz; } >"$WORK/encoded"
{ cat "$WORK/source" && echo "one more"; } >"$WORK/longer"
upload "$WORK/encoded" never.xz
check_digests decoded "$WORK/longer"
http 409 -r 1000000-1000999 "$(decoded)"
expect_problem not-seekable
http 200 -I "$(decoded)"
expect "Accept-Ranges" "$(header Accept-Ranges)" ""
http 200 "$(decoded)"
same "$WORK/body" "$WORK/longer"
