# The image that random reads are measured on, and what encoders make of it: $CACHE/image.raw, .gz, .xz, .zst.
# Kept between runs, because they take minutes to make. To be sourced.
#   STRATA_SEEK_GIB=10                     size of the image
#   STRATA_CACHE=/var/tmp/strata-seek      where images are kept (three times that space)
GIB=${STRATA_SEEK_GIB:-10}
CACHE=${STRATA_CACHE:-/var/tmp/strata-seek}/${GIB}g

# An ext4 file system: a tenth of random data, up to half of files of this machine, zeros where it is free.
make_raw() {
  local stage=$CACHE/stage
  rm -rf "$stage"
  mkdir -p "$stage"
  { openssl enc -aes-128-ctr -nosalt -pbkdf2 -pass pass:seek </dev/zero 2>/dev/null || true; } |
    head -c $((GIB * 107374182)) >"$stage/random"
  find /usr -xdev -type f -readable -printf '%s %p\0' |
    awk -v left=$((GIB * 536870912)) 'BEGIN { RS = ORS = "\0" } left > 0 { left -= $1; sub(/^[0-9]+ /, ""); print }' |
    tar --create --null --files-from=- --absolute-names --ignore-failed-read --warning=none |
    tar --extract --directory="$stage" --no-same-owner
  rm -f "$CACHE/image.new"
  mke2fs -q -t ext4 -d "$stage" "$CACHE/image.new" "${GIB}G" >/dev/null
  rm -rf "$stage"
  mv "$CACHE/image.new" "$CACHE/image.raw"
}
# make_encoded SUFFIX COMMAND...: unless it is there.
make_encoded() {
  local to=$CACHE/image.$1
  shift
  [[ ! -s $to ]] || return 0
  note "seek: $*"
  "$@" -c "$CACHE/image.raw" >"$to.new"
  mv "$to.new" "$to"
}
make_images() {
  mkdir -p "$CACHE"
  if [[ ! -s $CACHE/image.raw ]]; then
    note "seek: making an image of $GIB GiB in $CACHE"
    rm -f "$CACHE"/image.{gz,xz,zst}
    make_raw
  fi
  make_encoded gz pigz -6 -p 2
  make_encoded xz xz -1 -T2
  make_encoded zst zstd -q -3 -T2
}
