# virt-builder lists what the registry has and downloads it from where it is stored. Its own repositories
# are not asked.
. "$(dirname "$0")/lib.sh"
GUESTFS=$("$(dirname "$0")/../support/guestfs_tools.sh") || exit $?
mkdir -p "$WORK/home" "$WORK/xdg" "$WORK/runtime"
# virt_builder ARGS...: output in $WORK/out.
virt_builder() {
  local libraries
  libraries=$GUESTFS/usr/lib/$(uname -m)-linux-gnu:$GUESTFS/lib/$(uname -m)-linux-gnu
  HOME=$WORK/home XDG_CONFIG_DIRS=$WORK/xdg XDG_RUNTIME_DIR=$WORK/runtime TMPDIR=$WORK \
    LD_LIBRARY_PATH=$libraries PATH=$GUESTFS/usr/bin:$PATH \
    timeout 120 virt-builder "$@" >"$WORK/out" 2>&1
}
# listed ARGS...: the same, and it has to do it.
listed() { virt_builder "$@" || fail "virt-builder $*: $(cat "$WORK/out")"; }
shows() { grep -qE "$1" "$WORK/out" || fail "no $1 in $(cat "$WORK/out")"; }
registered() { [[ $(curl -sSf "$STORAGE/v1/images/$1" | jq -r .registration.state) == registered ]]; }
# public FILE NAME?QUERY: uploads and waits until it is registered.
public() {
  upload "$1" "$2&visibility=public"
  await 30 registered "$ID" || fail "$2 is not registered"
}

start_registry
start_storage
SOURCE=(--no-check-signature --source "$REGISTRY/v1/virt-builder/index")

say "an index without an image"
listed "${SOURCE[@]}" --list

say "images of two formats; private ones and disks are not there"
make_disk "$WORK/debian.raw"
xz -k -1 "$WORK/debian.raw"
public "$WORK/debian.raw.xz" "debian.raw.xz?os=Debian&os-version=12&os-arch=x86_64&title=Debian+server"
qemu-img create -q -f qcow2 "$WORK/tiny.qcow2" 64M
public "$WORK/tiny.qcow2" "tiny.qcow2?os-arch=aarch64&title=%5BTiny%5D+file%3Dx"
noise 100000 >"$WORK/secret"
upload "$WORK/secret" "secret.raw?title=Secret&os-arch=x86_64"
await 30 registered "$ID" || fail "the private image is not registered"
noise 100001 >"$WORK/data"
public "$WORK/data" "data.raw?title=Data&kind=disk"
listed "${SOURCE[@]}" --list
expect "images" "$(grep -c . "$WORK/out")" 2
shows '^debian-12 +x86_64 +Debian server$'
shows '^tiny-file-x +aarch64 +\[Tiny\] file=x$'
listed "${SOURCE[@]}" --list --list-format json
jq -e --arg bytes "$(stat -c %s "$WORK/debian.raw")" '.templates[] | select(."os-version" == "debian-12") |
  .arch == "x86_64" and (.size | tostring) == $bytes' "$WORK/out" >/dev/null ||
  fail "another template: $(cat "$WORK/out")"
listed "${SOURCE[@]}" --notes debian-12
shows "$REGISTRY/metadata/"

say "every image, byte by byte, through its cache"
listed "${SOURCE[@]}" --cache-all-templates
cache=$WORK/home/.cache/virt-builder
same "$cache"/debian-12.x86_64.* "$WORK/debian.raw"
same "$cache"/tiny-file-x.aarch64.* "$WORK/tiny.qcow2"
listed "${SOURCE[@]}" --print-cache
shows 'debian-12 +x86_64 +cached'

say "virt-builder checks the digest of what it downloaded"
# It then makes a machine to work on the image, which needs a kernel: only what comes before counts here.
virt_builder "${SOURCE[@]}" debian-12 --arch x86_64 -o "$WORK/out.img" || true
shows 'Planning how to build this image'
for file in "$cache"/debian-12.x86_64.*; do printf x | dd of="$file" conv=notrunc status=none; done
! virt_builder "${SOURCE[@]}" debian-12 --arch x86_64 -o "$WORK/out.img" || fail "it took a damaged image"
shows 'checksum of template did not match'

say "filters, and a repository file instead of options"
listed --no-check-signature --source "$REGISTRY/v1/virt-builder/index?os=debian" --list
expect "images" "$(grep -c . "$WORK/out")" 1
mkdir -p "$WORK/home/.config/virt-builder/repos.d"
printf '[strata]\nuri=%s\nproxy=off\n' "$REGISTRY/v1/virt-builder/index" >"$WORK/home/.config/virt-builder/repos.d/strata.conf"
listed --list
expect "images" "$(grep -c . "$WORK/out")" 2

say "an image that was deleted is gone"
http 200 "$STORAGE/v1/images"
id=$(json '.images[] | select(.name == "debian.raw.xz") | .id')
http 204 -X DELETE "$STORAGE/v1/images/$id"
gone() { listed --list && ! grep -q '^debian-12' "$WORK/out"; }
await 30 gone || fail "a deleted image is still in the index"
say "done"
