"""Checks a trace of one upload: python3 upload_trace.py TRACE DATA KIND... (strace -f -y -s 512 of
the daemon); KINDs are the answers that must be there: created, offset, image, removed.

Every answer that names an offset must have been preceded, in this order, by: the writes of all bytes
below that offset to the staging file, a sync of that file, a write to the journal, a sync of the journal.
The answer that says the image is there must also have been preceded by: a sync of the bytes, the link to
their place, a sync of that folder, a write to the catalogue, a sync of the catalogue; the same holds for
the 201 of a PUT. The first answer with the place of a new upload (104 or 201) and the 204 of a removed one
must have been preceded by a write to the journal and a sync of it, both after the answer before. "Preceded"
means that a call had returned before the next one was made. Prints what was found.
"""

import re
import sys

CALL = re.compile(r"^(?P<pid>\d+) +(?P<name>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
SYNCS = ("fsync", "fdatasync")
WRITES = ("write", "writev", "pwrite64", "pwritev", "pwritev2")


class Call:
    """One system call: `begin` and `end` are the numbers of its lines in the trace."""

    def __init__(self, name, rest, begin):
        self.name, self.rest, self.begin, self.end = name, rest, begin, None
        found = re.match(r"\d+<([^>]*)>", rest)
        self.path = found.group(1) if found else ""

    def failed(self):
        return re.search(r"\) += -1 ", self.rest) is not None

    def range(self):
        """First byte and the one behind the last, of a pwrite64."""
        found = re.search(r", \d+, (\d+)\) += (\d+)$", self.rest)
        if self.name != "pwrite64" or not found:
            sys.exit(f"upload_trace: a write that is not understood: {self.name}({self.rest[:200]}")
        return int(found.group(1)), int(found.group(1)) + int(found.group(2))


def read(path):
    calls, open_calls = [], {}
    with open(path, errors="replace") as lines:
        for number, line in enumerate(lines):
            line = line.rstrip("\n")
            if found := CALL.match(line):
                call = Call(found["name"], found["rest"], number)
                calls.append(call)
                if call.rest.endswith("<unfinished ...>"):
                    call.rest = call.rest[: -len("<unfinished ...>")].rstrip()
                    open_calls[found["pid"]] = call
                else:
                    call.end = number
            elif found := RESUMED.match(line):
                if call := open_calls.pop(found["pid"], None):
                    call.rest += found["rest"]
                    call.end = number
    return [call for call in calls if call.end is not None and not call.failed()]


def chain(calls, after, steps):
    """The earliest calls that fit the steps, each made after the one before had returned."""
    for what, fits in steps:
        following = [call for call in calls if call.begin > after and fits(call)]
        if not following:
            return None, what
        after = min(call.end for call in following)
    return after, None


def last_write_below(calls, offset):
    """When the last byte below the offset was written."""
    covered, end = 0, -1
    for first, behind, written in sorted((*call.range(), call.end) for call in calls):
        if first > covered or covered >= offset:
            break
        covered, end = max(covered, behind), max(end, written)
    if covered < offset:
        sys.exit(f"upload_trace: {offset} was acknowledged, only {covered} bytes were written")
    return end


def main():
    calls = read(sys.argv[1])
    data = sys.argv[2]
    place, journal = data + "/store/staging/", data + "/uploads/journal"

    def writes(path):
        return lambda call: call.name in WRITES and re.fullmatch(path, call.path)

    def syncs(path):
        return lambda call: call.name in SYNCS and re.fullmatch(path, call.path)

    staged = [c for c in calls if c.name in WRITES and re.fullmatch(place + "[0-9a-f]{32}", c.path)]
    names = {c.path.rsplit("/", 1)[1] for c in staged}
    if len(names) != 1:
        sys.exit(f"upload_trace: the trace shows {len(names)} staging files, and is of one upload")
    blob = names.pop()
    folder = f"{data}/store/blobs/{blob[:2]}"

    durable = [
        ("sync of the bytes", syncs(place + blob)),
        ("write to the journal", writes(journal)),
        ("sync of the journal", syncs(journal)),
    ]
    published = [
        ("sync of the bytes", syncs(place + blob)),
        ("link", lambda c: c.name in ("link", "linkat") and f'"{folder}/{blob}"' in c.rest),
        ("sync of the folder", syncs(folder)),
        ("write to the catalogue", writes(f"{data}/catalog/.*\\.log")),
        ("sync of the catalogue", syncs(f"{data}/catalog/.*\\.log")),
    ]
    recorded = durable[1:]
    found = dict.fromkeys(("created", "offset", "image", "removed"), 0)
    places = set()
    previous = -1  # where the answer before ended
    for answer in (c for c in calls if c.name in ("sendmsg", "sendto", "write", "writev")):
        text = answer.rest
        status = re.search(r"\"HTTP/1\.1 (\d+) ", text)
        if ("<socket:" not in text and "<TCP:" not in text) or not status:
            continue
        named = re.search(r"\\r\\nUpload-Offset: (\d+)\\r\\n", text)
        place_told = re.search(r"\\r\\nLocation: (\S*/v1/(uploads|images)/[^\\]*)", text)
        promises = []  # (what, the steps, the line they come after)
        if place_told and place_told[2] == "uploads" and place_told[1] not in places:  # by a 104 or the 201
            places.add(place_told[1])
            promises.append(("created", recorded, previous))
        if status[1] == "204" and not named:
            promises.append(("removed", recorded, previous))
        if named and int(named[1]):
            promises.append(("offset", durable, last_write_below(staged, int(named[1]))))
        if "\\r\\nStrata-Image: " in text or (status[1] == "201" and place_told and place_told[2] == "images"):
            promises.append(("image", published, max(c.end for c in staged)))
        before = [c for c in calls if c.end < answer.begin]
        for what, steps, after in promises:
            _, missing = chain(before, after, steps)
            if missing:
                sys.exit(f"upload_trace: {what} was acknowledged (line {answer.begin + 1}) without: {missing}")
            found[what] += 1
        previous = answer.end
    print(f"{len(staged)} writes; answers, all durable before: {found}")
    for what in sys.argv[3:]:
        if not found[what]:
            sys.exit(f"upload_trace: no answer of this kind: {what}")


if __name__ == "__main__":
    main()
