#!/bin/bash
# A disk that is really full (a small tmpfs): clear refusals, both daemons stay up, what is stored stays
# readable, and work goes on when there is room again.
# Mounting needs root, or a user namespace in which we are it.
if [[ $EUID != 0 ]]; then exec unshare --user --map-root-user --mount bash "$0"; fi
. "$(dirname "$0")/lib.sh"

mkdir "$WORK/disk"
mount -t tmpfs -o size=200m tmpfs "$WORK/disk" || fail "cannot mount a tmpfs"
trap 'clean_up_disk; clean_up' EXIT
clean_up_disk() {
  local name
  for name in "${!PID[@]}"; do
    kill -KILL "${PID[$name]}" 2>/dev/null || true
    wait "${PID[$name]}" 2>/dev/null || true
  done
  umount -l "$WORK/disk"
}
ln -s "$WORK/disk/registry" "$WORK/registry"
ln -s "$WORK/disk/storage" "$WORK/storage"
mkdir "$WORK/disk/registry" "$WORK/disk/storage"
printf '[limits]\ndisk_reserve_bytes = 83886080\nremoval_grace = 0\n' >"$WORK/storage.toml"
start_registry
start_storage --config "$WORK/storage.toml"
head -c 20000000 /dev/urandom >"$WORK/a"
head -c 130000000 /dev/urandom >"$WORK/b"

say "an upload that fits, then one that does not, announced and not"
upload "$WORK/a" "a?visibility=public"
A=$ID
http 507 -T "$WORK/b" "$STORAGE/v1/upload/b"
expect_problem no-space
http 507 -T - "$STORAGE/v1/upload/b" <"$WORK/b"
expect_problem no-space
[[ -z $(ls "$WORK/storage/store/staging") ]] || fail "something is left in staging"

say "the disk filled up from outside: records are refused, nothing ends, reads go on"
dd if=/dev/zero of="$WORK/disk/fill" bs=1M status=none 2>/dev/null || true
rm -f "$WORK/more"
http 507 -T "$WORK/a" "$STORAGE/v1/upload/again"
http 507 -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"name":"c"}' "$STORAGE/v1/images/$A"
http 200 "$STORAGE/v1/images/$A/content"
cmp "$WORK/body" "$WORK/a"
http 503 "$STORAGE/readyz"
http 200 "$STORAGE/healthz"
document=$WORK/document.xml
http 200 "$STORAGE/v1/images/$A/metadata" && cp "$WORK/body" "$document"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/key" -out "$WORK/crt" \
  -days 30 -subj "/CN=Ops" -addext subjectAltName=email:ops@images.example 2>/dev/null
"$STRATA_BIN/strata" metadata sign "$document" --key "$WORK/key" --cert "$WORK/crt" -o "$WORK/signed.xml"
http 507 -H 'Content-Type: application/rdf+xml' --data-binary "@$WORK/signed.xml" "$REGISTRY/metadata"
alive storage || fail "strata-storage ended"
alive registry || fail "strata-registry ended"
# RocksDB's own log file would be written every ten seconds, and Debian's ends the process when that
# fails twice: there must be none.
[[ -z $(find "$WORK/disk" -name 'LOG*') ]] || fail "RocksDB has a log file on the full disk"

say "room again: everything goes on"
rm "$WORK/disk/fill"
http 201 -H 'Content-Type: application/rdf+xml' --data-binary "@$WORK/signed.xml" "$REGISTRY/metadata"
http 200 -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"name":"c"}' "$STORAGE/v1/images/$A"
http 204 -X DELETE "$STORAGE/v1/images/$A"
head -c 1000000 /dev/urandom >"$WORK/c"
upload "$WORK/c" c
http 200 "$STORAGE/readyz"
stop storage || fail "strata-storage did not end well"
stop registry || fail "strata-registry did not end well"
