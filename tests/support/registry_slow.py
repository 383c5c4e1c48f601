"""What slow clients do to the others: readers of a registry alone, and beside 200 slow clients while one document is
posted 100 times at once. Prints latencies; the first thing that is not right ends it with exit code 1.

usage: registry_slow.py URL DOCUMENT IDENTIFIER SECONDS

The registry should hold a few MiB of entries, so that a list does not fit into the buffers of a socket; DOCUMENT
is new to it, and of the image IDENTIFIER. A third of the slow clients sends a header byte by byte, a third a body
byte by byte, a third reads a list by trickles into a window as small as the kernel has.
"""

import http.client
import json
import multiprocessing
import socket
import sys
import threading
import time
from urllib.parse import quote, urlsplit

SLOW = 200
POSTS = 100
READERS = 4
# A header must be there within 20 s: one of 400 bytes is not, but none is cut in a short run.
BYTE_EVERY_S = 0.05
PATIENCE_S = 30


class Wrong(Exception):
    """The registry is not right."""


class Slow:
    """One slow client: sends a byte now and then, or reads a few."""

    def __init__(self, address, kind):
        self.kind = kind
        self.status = b""
        self.open = True
        self.socket = socket.socket()
        if kind == "reading":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.socket.connect(address)
        self.socket.setblocking(False)
        host = b"Host: localhost\r\n"
        self.rest = {
            "header": b"GET /healthz HTTP/1.1\r\n" + host + b"X-Slow: " + b"x" * 4000,
            "body": b"x" * 100_000,
            "reading": b"",
        }[kind]
        if kind == "body":
            self.socket.send(b"POST /metadata HTTP/1.1\r\n" + host + b"Content-Type: application/xml\r\n"
                             b"Content-Length: 100000\r\n\r\n")
        if kind == "reading":
            self.socket.send(b"GET /metadata?limit=1000&status=all HTTP/1.1\r\n" + host + b"\r\n")

    def step(self):
        try:
            if self.rest:
                self.socket.send(self.rest[:1])
                self.rest = self.rest[1:]
            received = self.socket.recv(64)
            self.open = bool(received)
            self.status = (self.status + received)[:12]
        except BlockingIOError:
            pass
        except OSError:
            self.open = False


def run_slow(address, stop, ready, report):
    kinds = ("header", "body", "reading")
    clients = [Slow(address, kinds[i % 3]) for i in range(SLOW)]
    ready.set()
    while not stop.is_set():
        begun = time.monotonic()
        for client in clients:
            if client.open:
                client.step()
        time.sleep(max(0, BYTE_EVERY_S - (time.monotonic() - begun)))
    report.put({
        "open": sum(client.open for client in clients),
        "reading": sum(client.open and client.kind == "reading" for client in clients),
        "statuses": sorted({client.status[9:12].decode() for client in clients if client.status}),
    })


def run_reader(address, targets, stop, report):
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE_S)
    times, statuses = [], set()
    try:
        while not stop.is_set():
            target = targets[len(times) % len(targets)]
            begun = time.monotonic()
            connection.request("GET", target)
            response = connection.getresponse()
            response.read()
            times.append(time.monotonic() - begun)
            statuses.add(response.status)
    except OSError as error:
        report.put({"error": repr(error), "times": times, "statuses": sorted(statuses)})
        return
    report.put({"times": times, "statuses": sorted(statuses)})


def read_for(address, targets, seconds, meanwhile=None):
    """Latencies of READERS processes over that time; the result of `meanwhile`."""
    stop, report = multiprocessing.Event(), multiprocessing.Queue()
    readers = [multiprocessing.Process(target=run_reader, args=(address, targets, stop, report))
               for _ in range(READERS)]
    for reader in readers:
        reader.start()
    begun = time.monotonic()
    result = meanwhile() if meanwhile else None
    time.sleep(max(0, seconds - (time.monotonic() - begun)))
    stop.set()
    reports = [report.get(timeout=2 * PATIENCE_S) for _ in readers]
    for reader in readers:
        reader.join()
    for one in reports:
        if "error" in one:
            raise Wrong(f"a reader: {one['error']} after {len(one['times'])} answers")
        if one["statuses"] != [200]:
            raise Wrong(f"a reader got {one['statuses']}")
        if len(one["times"]) < 10 * seconds:
            raise Wrong(f"a reader starved: {len(one['times'])} answers in {seconds} s")
    return sorted(t for one in reports for t in one["times"]), result


def post_at_once(address, document):
    """Statuses of POSTS posts whose last bytes are sent at one moment."""
    head = (f"POST /metadata HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/rdf+xml\r\n"
            f"Connection: close\r\nContent-Length: {len(document)}\r\n\r\n").encode()
    barrier = threading.Barrier(POSTS)
    statuses, times = [], []

    def post():
        with socket.create_connection(address, timeout=PATIENCE_S) as connection:
            connection.sendall(head + document[:-1])
            barrier.wait()
            begun = time.monotonic()
            connection.sendall(document[-1:])
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
            times.append(time.monotonic() - begun)
            statuses.append(int(answer[9:12] or 0))

    threads = [threading.Thread(target=post) for _ in range(POSTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses, sorted(times)


def get_json(address, target):
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE_S)
    connection.request("GET", target)
    response = connection.getresponse()
    body = response.read()
    if response.status != 200:
        raise Wrong(f"{target}: {response.status} {body[:300]}")
    return json.loads(body)


def line(what, times):
    def at(share):
        return 1000 * times[min(len(times) - 1, int(share * len(times)))]

    print(f"{what:<44} {len(times):>7}   p50 {at(0.5):7.2f} ms   p99 {at(0.99):7.2f} ms   max {1000 * times[-1]:7.1f} ms")


def main():
    url, document_path, identifier, seconds = sys.argv[1:]
    seconds = float(seconds)
    parts = urlsplit(url)
    address = (parts.hostname, parts.port)
    with open(document_path, "rb") as file:
        document = file.read()
    some = get_json(address, "/v1/entries?limit=1")["entries"][0]
    targets = ["/healthz", "/v1/entries?limit=1", f"/v1/entries?identifier={some['identifier']}",
               f"/v1/entries?q={quote((some['title'] or 'x').split()[0])}&limit=1", urlsplit(some["entry"]).path]

    alone, _ = read_for(address, targets, seconds)
    line(f"{READERS} readers", alone)

    stop, ready, report = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
    slow = multiprocessing.Process(target=run_slow, args=(address, stop, ready, report))
    slow.start()
    if not ready.wait(PATIENCE_S):
        raise Wrong("the slow clients could not connect")
    beside, _ = read_for(address, targets, seconds)
    line(f"beside {SLOW} slow clients", beside)
    before = get_json(address, "/v1/changes?since=0&limit=1")["last"]

    def post():
        return post_at_once(address, document)

    posting, (statuses, post_times) = read_for(address, targets, seconds, post)
    line(f"and {POSTS} posts of one document at once", posting)
    line("those posts", post_times)
    stop.set()
    slow_report = report.get(timeout=PATIENCE_S)
    slow.join()

    if sorted(statuses) != [200] * (POSTS - 1) + [201]:
        raise Wrong(f"the posts got {sorted(set(statuses))}, {statuses.count(201)} of them 201")
    found = get_json(address, f"/v1/entries?identifier={identifier}&status=all")
    if found["total"] != 1:
        raise Wrong(f"{found['total']} entries")
    changes = get_json(address, f"/v1/changes?since={before}")["changes"]
    if [change["identifier"] for change in changes] != [identifier]:
        raise Wrong(f"{len(changes)} changes")
    if slow_report["open"] < 0.95 * SLOW or slow_report["reading"] < SLOW / 4:
        raise Wrong(f"the slow clients did not stay, so this says nothing: {slow_report}")
    if any(status != "200" for status in slow_report["statuses"]):
        raise Wrong(f"slow clients got {slow_report['statuses']}")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"registry_slow: {wrong}")
