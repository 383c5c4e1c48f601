"""Latency of random reads of a decoded image, each compared with the image.

usage: seek.py http URL FILE COUNT SEED    ranges over one HTTP connection
       seek.py nbd URI FILE COUNT SEED     reads of an NBD export (python3-libnbd)

Prints "FIRST P50 P99": milliseconds of the first read, with the connection, and of the others. A wrong byte ends it with exit code 1.
"""

import http.client
import os
import random
import sys
import time
from urllib.parse import urlsplit

READ = 64 * 1024


def http_reader(url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=3600)

    def read(offset):
        connection.request("GET", parts.path, headers={"Range": f"bytes={offset}-{offset + READ - 1}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 206:
            sys.exit(f"seek.py: {url}: status {answer.status}: {body[:300]!r}")
        return body

    return read


def nbd_reader(uri):
    import nbd  # only where it is asked for

    handle = nbd.NBD()
    handle.connect_uri(uri)
    return lambda offset: bytes(handle.pread(READ, offset))


def places(file, count, chance):
    """Offsets of reads that are not all zeros: those cost nobody anything."""
    size = os.fstat(file).st_size
    while count > 0:
        offset = chance.randrange(0, size - READ)
        expected = os.pread(file, READ, offset)
        if expected.count(0) < READ:
            yield offset, expected
            count -= 1


def main():
    kind, where, path, count, seed = sys.argv[1:6]
    file = os.open(path, os.O_RDONLY)
    # All chosen beforehand: reading the file is none of what is measured.
    chosen = list(places(file, int(count), random.Random(int(seed))))
    times = []
    begun = time.perf_counter()
    # nbdkit's gzip filter decodes the whole before it says anything.
    read = {"http": http_reader, "nbd": nbd_reader}[kind](where)
    for offset, expected in chosen:
        found = read(offset)
        times.append((time.perf_counter() - begun) * 1000)
        if found != expected:
            sys.exit(f"seek.py: {where}: wrong bytes at {offset}")
        begun = time.perf_counter()
    first, rest = times[0], sorted(times[1:])
    print(f"{first:.2f} {rest[len(rest) // 2]:.2f} {rest[len(rest) * 99 // 100]:.2f}")


if __name__ == "__main__":
    main()
