"""Writes a file in the zstd seekable format on standard output: a frame for each 256 KiB, by the zstd program, and
a skippable frame with their sizes at the end (contrib/seekable_format/zstd_seekable_compression_format.md)."""

import struct
import subprocess
import sys

CHUNK = 256 * 1024
SKIPPABLE_MAGIC = 0x184D2A5E
SEEKABLE_MAGIC = 0x8F92EAB1


def main():
    entries = b""
    count = 0
    with open(sys.argv[1], "rb") as source:
        while chunk := source.read(CHUNK):
            frame = subprocess.run(["zstd", "-q", "-3", "-c"], input=chunk, stdout=subprocess.PIPE, check=True).stdout
            sys.stdout.buffer.write(frame)
            entries += struct.pack("<II", len(frame), len(chunk))
            count += 1
    table = entries + struct.pack("<IBI", count, 0, SEEKABLE_MAGIC)
    sys.stdout.buffer.write(struct.pack("<II", SKIPPABLE_MAGIC, len(table)) + table)


if __name__ == "__main__":
    main()
