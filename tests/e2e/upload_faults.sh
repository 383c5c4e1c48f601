#!/bin/bash
# Uploads of a gzip and of an xz image through a proxy that breaks them, to a server that is killed.
# usage: upload_faults.sh [MIB FAULTS KILLS]   (default: 48 MiB, 24 faults, 4 of them kill -9)
source "$(dirname "$0")/lib.sh"

mib=${1:-48} faults=${2:-24} kills=${3:-4}
# Random bytes with long runs of zeros: what compressors see in a disk.
raw=$WORK/disk.raw
for ((i = 0; i < mib; i += 4)); do
  head -c 3M /dev/urandom
  head -c 1M /dev/zero
done >"$raw"
gzip -1 <"$raw" >"$WORK/disk.gz"
xz -0 -T2 --block-size=4MiB <"$raw" >"$WORK/disk.xz"
for file in "$WORK"/disk.gz "$WORK"/disk.xz; do
  rm -rf "$WORK/data"
  python3 "$(dirname "$0")/upload_faults.py" "$STRATA_BIN/strata-storage" "$WORK" "$file" \
    --decoded "$raw" --faults "$faults" --kills "$kills"
done
say "passed"
