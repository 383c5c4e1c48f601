"""Compares a view that strata-storage serves with the file that it must be, over one keep-alive connection.

usage: seek_check.py ranges URL FILE COUNT SEED   HEAD, COUNT random ranges, and several ranges in one request
       seek_check.py extents URL FILE             the extents of the image whose view URL is
       seek_check.py damaged URL FILE             each 64 KiB: right, or refused as corrupt-data; all of it in one
                                                  range: right bytes, then a connection that is cut

`damaged` wants ranges of both kinds. The first difference ends it with exit code 1.
"""

import http.client
import json
import mmap
import random
import re
import sys
from urllib.parse import urlsplit

BLOCK = 4096
RUN_MIN = 64 * 1024
CUT = (http.client.IncompleteRead, http.client.RemoteDisconnected, ConnectionError)


class Wrong(Exception):
    """The server is not right."""


class View:
    """A URL, and the bytes that are behind it."""

    def __init__(self, url, path):
        parts = urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        self.target = parts.path
        self.connects = 0
        with open(path, "rb") as file:
            self.bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.size = len(self.bytes)

    def ask(self, method="GET", target=None, **headers):
        """The answer, its body not read."""
        if self.connection.sock is None:
            self.connects += 1
        self.connection.request(method, target or self.target, headers=headers)
        return self.connection.getresponse()

    def whole_body(self, answer, status):
        body = answer.read()
        if answer.status != status:
            raise Wrong(f"status {answer.status}, expected {status}: {body[:500]!r}")
        return body

    def compare(self, body, first, last):
        if body != self.bytes[first : last + 1]:
            raise Wrong(f"other bytes in {first}-{last} ({len(body)} of {last + 1 - first})")


def check_head(view):
    answer = view.ask("HEAD", Range="bytes=0-0")
    view.whole_body(answer, 200)
    for name, value in (("Content-Length", str(view.size)), ("Accept-Ranges", "bytes")):
        if answer.getheader(name) != value:
            raise Wrong(f"HEAD: {name} is {answer.getheader(name)}, expected {value}")
    return answer.getheader("ETag")


def random_ranges(size, count, chance):
    """Places of all kinds: single bytes to a MiB, both ends of the view, both sides of round offsets."""
    for index in range(count):
        length = min(size, 1 << chance.randrange(21))
        length = chance.randint(max(1, length // 2), length)
        kind = index % 8
        if kind == 0:
            first = size - length
        elif kind == 1:
            first = 0
        elif kind == 2:
            first = max(0, chance.randrange(0, size, 1 << 20) - chance.randint(0, length))
        else:
            first = chance.randint(0, size - length)
        yield first, min(size, first + length) - 1


def check_ranges(view, count, chance):
    etag = check_head(view)
    for first, last in random_ranges(view.size, count, chance):
        answer = view.ask(Range=f"bytes={first}-{last}")
        view.compare(view.whole_body(answer, 206), first, last)
        expected = f"bytes {first}-{last}/{view.size}"
        if answer.getheader("Content-Range") != expected or answer.getheader("ETag") != etag:
            raise Wrong(f"{expected}: Content-Range {answer.getheader('Content-Range')}, ETag {answer.getheader('ETag')}")
    check_suffix_and_beyond(view)
    check_several(view, chance)
    if view.connects != 1:
        raise Wrong(f"{view.connects} connections: keep-alive does not work")


def check_suffix_and_beyond(view):
    tail = min(view.size, 1000)
    view.compare(view.whole_body(view.ask(Range=f"bytes=-{tail}"), 206), view.size - tail, view.size - 1)
    view.compare(view.whole_body(view.ask(Range=f"bytes={view.size - 1}-"), 206), view.size - 1, view.size - 1)
    view.whole_body(view.ask(Range=f"bytes={view.size}-"), 416)


def check_several(view, chance):
    """multipart/byteranges: as many parts as were asked for, in that order, each as it says."""
    middle = view.size // 2
    asked = [(middle, middle + 9999), (0, 99), (view.size - 500, view.size - 1)]
    chance.shuffle(asked)
    answer = view.ask(Range="bytes=" + ",".join(f"{first}-{last}" for first, last in asked))
    body = view.whole_body(answer, 206)
    boundary = re.search(r'boundary="?([^";]+)', answer.getheader("Content-Type", ""))
    if not boundary:
        raise Wrong(f"several ranges: Content-Type {answer.getheader('Content-Type')}")
    at = 0
    for first, last in asked:
        head_end = body.index(b"\r\n\r\n", at) + 4
        head = body[at:head_end]
        if boundary[1].encode() not in head or f"bytes {first}-{last}/{view.size}".encode() not in head:
            raise Wrong(f"several ranges: head of a part {head!r}")
        at = head_end + last + 1 - first
        view.compare(body[head_end:at], first, last)
    if not body[at:].strip().endswith(b"--" + boundary[1].encode() + b"--"):
        raise Wrong("several ranges: no end")


def zero_runs(data):
    """Runs of zeros of RUN_MIN and more whose ends are at blocks, or at the end of the view."""
    zero = bytes(BLOCK)
    start = None
    for at in range(0, len(data), BLOCK):
        block = data[at : at + BLOCK]
        if block == zero[: len(block)]:
            start = at if start is None else start
            continue
        if start is not None and at - start >= RUN_MIN:
            yield start, at
        start = None
    if start is not None and len(data) - start >= RUN_MIN:
        yield start, len(data)


def fetch_extents(view, query):
    """All pages as one list; each must begin where the one before it ended."""
    target = view.target.rsplit("/", 1)[0] + "/extents?" + query
    extents = []
    while target:
        answer = view.ask(target=target)
        page = json.loads(view.whole_body(answer, 200))["extents"]
        if not page:
            raise Wrong(f"{target}: an empty page")
        extents += [(each["start"], each["start"] + each["length"], each["zero"]) for each in page]
        link = re.search(r'<([^>]+)>\s*;\s*rel="?next', answer.getheader("Link") or "")
        target = None
        if link:
            parts = urlsplit(link[1])
            target = parts.path + "?" + parts.query
    for (_, end, _), (start, _, _) in zip(extents, extents[1:]):
        if start != end:
            raise Wrong(f"extents: one ends at {end}, the next begins at {start}")
    return extents


def check_extents(view):
    extents = fetch_extents(view, "limit=5")
    if extents != fetch_extents(view, ""):
        raise Wrong("extents: pages of 5 are not the whole")
    if extents[0][0] != 0 or extents[-1][1] != view.size:
        raise Wrong(f"extents cover {extents[0][0]} to {extents[-1][1]} of {view.size}")
    for start, end, zero in extents:
        if zero and view.bytes[start:end].count(0) != end - start:
            raise Wrong(f"extents: {start} to {end} is not zero")
    zeros = merged(extents)
    for start, end in zero_runs(view.bytes):
        if not any(first <= start and end <= last for first, last in zeros):
            raise Wrong(f"extents: the zeros from {start} to {end} are not told")
    start, length = view.size // 3, view.size // 3
    part = fetch_extents(view, f"start={start}&length={length}")
    if part[0][0] > start or part[-1][1] < start + length:
        raise Wrong(f"extents of {start} + {length}: {part[0]} ... {part[-1]}")


def merged(extents):
    """The zero ones, with neighbours joined."""
    zeros = []
    for start, end, zero in extents:
        if not zero:
            continue
        if zeros and zeros[-1][1] == start:
            zeros[-1][1] = end
        else:
            zeros.append([start, end])
    return zeros


def check_damaged(view):
    right = refused = 0
    for first in range(0, view.size, 1 << 16):
        last = min(view.size, first + (1 << 16)) - 1
        if is_right_or_corrupt(view, first, last):
            right += 1
        else:
            refused += 1
    if not right or not refused:
        raise Wrong(f"{refused} ranges are refused, {right} are right")
    check_cut(view)
    print(f"{refused} of {refused + right} ranges are refused")


def is_right_or_corrupt(view, first, last):
    """False: the server says that it cannot, before it sends a byte or after some right ones."""
    try:
        answer = view.ask(Range=f"bytes={first}-{last}")
        body = view.whole_body(answer, 206 if answer.status != 500 else 500)
    except CUT as error:
        check_part(view, first, error)
        return False
    if answer.status == 206:
        view.compare(body, first, last)
        return True
    kind = json.loads(body)["type"]
    if not kind.endswith("corrupt-data"):
        raise Wrong(f"{first}-{last}: a problem of type {kind}")
    return False


def check_cut(view):
    try:
        answer = view.ask(Range="bytes=0-")
        view.whole_body(answer, 206)
    except CUT as error:
        check_part(view, 0, error)
        return
    raise Wrong("a range over the damage is not cut")


def check_part(view, first, error):
    part = getattr(error, "partial", b"")
    view.compare(part, first, first + len(part) - 1)
    view.connection.close()


def main():
    view = View(sys.argv[2], sys.argv[3])
    try:
        if sys.argv[1] == "ranges":
            check_ranges(view, int(sys.argv[4]), random.Random(int(sys.argv[5])))
        else:
            {"extents": check_extents, "damaged": check_damaged}[sys.argv[1]](view)
    except Wrong as error:
        sys.exit(f"{sys.argv[1]} of {view.target}: {error}")


if __name__ == "__main__":
    main()
