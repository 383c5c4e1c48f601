#!/usr/bin/env python3
"""A resumable upload through a proxy that cuts, stalls, resets and truncates, to a server that is killed.

usage: upload_faults.py PROGRAM FOLDER FILE --faults N --kills K [--seed S]

Sends FILE by tus (python's own HTTP client: it never sees an interim response there). Asserts, at every
answer, that no offset is below one that was acknowledged before, and at the end that the stored image is
FILE, byte for byte, with the digests of sha1sum, sha256sum and sha512sum. Prints what it cost.
"""

import argparse
import base64
import http.client
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

PIECE = 64 * 1024


class Server:
    """The daemon, on one port over all its lives."""

    def __init__(self, program, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.command = [program, "--listen", f"127.0.0.1:{self.port}", "--data", folder + "/data"]
        self.log = open(folder + "/storage.log", "a")
        self.process = None
        self.read_back = 0
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stderr=self.log, stdout=subprocess.DEVNULL)
        for _ in range(400):
            if self.process.poll() is not None:
                sys.exit(f"the server ended at its start with {self.process.returncode}")
            try:
                if self.get("/readyz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.05)
        sys.exit("the server is not ready after 20 s")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            sys.exit("the server did not end well")

    def get(self, path, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=60)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()

    def count_read_back(self):
        found = re.search(rb"^strata_upload_read_back_bytes (\d+)", self.get("/metrics")[1], re.M)
        return int(found.group(1))


class Proxy:
    """Forwards one connection at a time; `fault` says what happens to the next one, and when."""

    def __init__(self, server):
        self.server = server
        self.fault = None  # (kind, bytes from the client before it strikes)
        self.forwarded = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            client, _ = self.listener.accept()
            fault, self.fault = self.fault, None
            threading.Thread(target=self.serve, args=(client, fault), daemon=True).start()

    def serve(self, client, fault):
        try:
            upstream = socket.create_connection(("127.0.0.1", self.server.port))
        except OSError:
            client.close()
            return
        threading.Thread(target=self.answers, args=(upstream, client), daemon=True).start()
        passed = 0
        try:
            while True:
                left = PIECE if fault is None else min(PIECE, fault[1] - passed)
                if left <= 0:
                    return self.strike(fault[0], client, upstream)
                data = client.recv(left)
                if not data:
                    break
                upstream.sendall(data)
                passed += len(data)
                self.forwarded += len(data)
        except OSError:
            pass
        self.close(upstream)

    @staticmethod
    def answers(upstream, client):
        try:
            while data := upstream.recv(PIECE):
                client.sendall(data)
        except OSError:
            pass
        Proxy.close(client)

    @staticmethod
    def close(connection):
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()

    def strike(self, kind, client, upstream):
        if kind == "stall":
            time.sleep(0.3)  # nothing passes; the client gives up and asks on another connection
            self.close(client)
            time.sleep(0.3)  # the server still waits for this one, and is asked meanwhile
        elif kind == "reset":
            for each in (client, upstream):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif kind == "truncate":
            try:
                upstream.shutdown(socket.SHUT_WR)
                time.sleep(0.05)
            except OSError:
                pass
        elif kind == "kill":
            self.server.kill()
            self.server.start()
        for each in (client, upstream):
            each.close() if kind == "reset" else self.close(each)


class Client:
    def __init__(self, proxy, file):
        self.proxy = proxy
        self.file = file
        self.size = os.path.getsize(file)
        self.acknowledged = 0
        status, headers = self.request(
            "POST", "/v1/uploads", {"Upload-Length": str(self.size),
                                    "Upload-Metadata": "filename " + base64.b64encode(b"faults").decode()})
        assert status == 201, status
        self.path = "/v1/uploads/" + headers["Location"].rsplit("/", 1)[1]

    def request(self, method, path, headers, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=60)
        try:
            connection.request(method, path, body, {"Tus-Resumable": "1.0.0", **headers})
            response = connection.getresponse()
            response.read()
            return response.status, response.headers
        finally:
            connection.close()

    def note(self, offset):
        assert offset >= self.acknowledged, f"offset {offset}, but {self.acknowledged} was acknowledged"
        self.acknowledged = offset

    def ask(self):
        for _ in range(400):
            try:
                status, headers = self.request("HEAD", self.path, {})
            except OSError:
                time.sleep(0.05)  # the server is on its way back
                continue
            assert status == 200, status
            self.note(int(headers["Upload-Offset"]))
            return
        sys.exit("the server does not answer")

    def send(self):
        """One PATCH with all that is missing; False when it was cut."""
        with open(self.file, "rb") as source:
            source.seek(self.acknowledged)
            headers = {"Upload-Offset": str(self.acknowledged),
                       "Content-Type": "application/offset+octet-stream",
                       "Content-Length": str(self.size - self.acknowledged)}
            try:
                status, answer = self.request("PATCH", self.path, headers, source)
            except (OSError, http.client.HTTPException):
                return False
        if status in (409, 503):
            return False  # taken over by our own HEAD, or told that the body was cut
        assert status == 204, status
        self.note(int(answer["Upload-Offset"]))
        return True


def digest_of(program, file):
    return subprocess.run([program, file], stdout=subprocess.PIPE, check=True).stdout.split()[0].decode()


def compare(server, client, file, decoded):
    state = json.loads(server.get(client.path)[1])
    assert state["state"] == "complete", state
    image = json.loads(server.get("/v1/images/" + state["image"])[1])
    for view, source in (("stored", file), ("decoded", decoded or file)):
        for name in ("sha-1", "sha-256", "sha-512"):
            expected = digest_of(name.replace("-", "") + "sum", source)
            assert image[view]["digests"][name] == expected, (view, name)
    url = f"http://127.0.0.1:{server.port}/v1/images/{state['image']}/content"
    with subprocess.Popen(["curl", "-sf", url], stdout=subprocess.PIPE) as curl:
        subprocess.run(["cmp", "-", file], stdin=curl.stdout, check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("file")
    parser.add_argument("--decoded", help="the file that FILE decodes to")
    parser.add_argument("--faults", type=int, required=True)
    parser.add_argument("--kills", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    server = Server(options.program, options.folder)
    proxy = Proxy(server)
    client = Client(proxy, options.file)
    kinds = ["kill"] * options.kills
    kinds += [("cut", "reset", "stall", "truncate")[i % 4] for i in range(options.faults - options.kills)]
    rng.shuffle(kinds)
    read_back = 0
    struck = 0
    for kind in kinds:
        client.ask()
        # So far on average that all of them fit into the file.
        left = client.size - client.acknowledged
        proxy.fault = (kind, 500 + rng.randrange(max(1, 2 * left // (len(kinds) - struck + 1))))
        if kind == "kill":
            read_back += server.count_read_back()
        struck += 1
        if client.send():
            break  # the fault lay behind the end
    while client.acknowledged < client.size or json.loads(server.get(client.path)[1])["state"] != "complete":
        proxy.fault = None
        client.ask()
        if client.acknowledged < client.size:
            client.send()
        time.sleep(0.02)
    read_back += server.count_read_back()
    compare(server, client, options.file, options.decoded)
    server.stop()
    again = proxy.forwarded - client.size
    print(f"{os.path.basename(options.file)}: {client.size} bytes, {struck} faults of which {options.kills} kills; "
          f"sent again {again} bytes ({again / struck / 1024:.0f} KiB a resume), "
          f"read back by the server {read_back} bytes ({read_back / struck / 1024:.0f} KiB a resume)")


if __name__ == "__main__":
    main()
