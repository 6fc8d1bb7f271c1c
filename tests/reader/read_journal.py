"""Reads the journal of a hongbao store: written from docs/FORMATS.md alone, with nothing but Python's standard library.

    python3 read_journal.py FOLDER [--values]

FOLDER is a data folder, or its folder `journal`. Every header, head, checksum, number and position is checked, and one
line of JSON is printed for each record. With --values the line holds its events and messages too, decoded by the types
that docs/FORMATS.md spells out. How the journal ends, sealed or cut off, is told on standard error. Exit code 0: all of it
was read; 1: it is damaged, or cannot be read; 2: the arguments are wrong.

The chain of every actor is proved where the journal still has its beginning; where it does not, chains would begin with the
heads in a snapshot, and snapshots are not read here.
"""

import argparse
import json
import os
import struct
import sys
import zlib
from pathlib import Path

from blake3 import blake3
from values import Damaged, Values, check, read_types, whole

HEADER, HEAD, FRAME, FIXED = 40, 48, 8, 14
RECORDS, SEAL = 1, 2
NO_EVENTS = b"\0"
NUMBERS = ("walk", "hop", "cause", "index", "actor", "sequence", "former", "at", "later", "answer", "events", "joined")


# ---- Records.

def prefix_of(record):
    """The prefix's numbers by their names, the chain's first bytes, and the length of it all."""
    check(len(record) >= FIXED, "a prefix is cut short")
    lengths, at, found = int.from_bytes(record[:6], "little"), FIXED, {}
    for name in NUMBERS:
        length, lengths = lengths & 15, lengths >> 4
        number = record[at : at + length]
        check(length <= 8 and len(number) == length, "a number of a prefix is cut short or too long")
        check(length == 0 or number[-1] != 0, "a number of a prefix has zeros at its end")
        found[name], at = int.from_bytes(number, "little"), at + length
    return found, record[6:FIXED].hex(), at


def position_of(reference, own):
    if reference == 0:
        return None
    return own - (reference >> 1) if reference & 1 else reference >> 1


def line_of(position, record, types):
    prefix, chain, at = prefix_of(record)
    events, joined = at + prefix["events"], at + prefix["events"] + prefix["joined"]
    check(joined <= len(record), "a record is shorter than its prefix says")
    references = {name: position_of(prefix[name], position) for name in ("cause", "former")}
    line = {"position": position} | {name: prefix[name] for name in ("actor", "walk", "hop")}
    line |= {"cause": references["cause"], "index": prefix["index"]}
    line |= {"sequence": prefix["sequence"], "former": references["former"]}
    line |= {"at": prefix["at"], "now": prefix["at"] - prefix["later"], "answer": prefix["answer"], "chain": chain}
    line |= {"events_bytes": prefix["events"], "joined_bytes": prefix["joined"], "onward_bytes": len(record) - joined}
    if types:
        line["events"] = whole(record[at:events], ("Vec", "Event"), types)
        line["joined"], walk, values = [], prefix["walk"], Values(record[events:joined], types)
        while values.more():
            further, hop, cause, index, later = values.value("Joined")
            walk = (walk + further) % 2**64
            line["joined"].append([walk, hop, position_of(cause, position), index, prefix["at"] - later])
        line["onward"], values = [], Values(record[joined:], types)
        while values.more():
            to = values.value("ActorNumber")
            line["onward"].append([to, *whole(values.take(values.number()), "Sent", types)])
    return line


class Chains:
    """The newest head of every actor's chain, and how many entries it has."""

    def __init__(self):
        self.newest = {}

    def prove(self, position, record):
        prefix, chain, at = prefix_of(record)
        actor, events = prefix["actor"], record[at : at + prefix["events"]]
        head, entries = self.newest.get(actor, (struct.pack("<Q24x", actor), 0))
        if events != NO_EVENTS:
            entry = head + struct.pack("<QI", prefix["at"], len(events)) + events
            head, entries = blake3(entry + bytes(-len(entry) % 64)), entries + 1
        holds = (head[:8].hex(), entries) == (chain, prefix["sequence"])
        check(holds, f"record {position} does not continue the chain of actor {actor}")
        self.newest[actor] = head, entries


# ---- The journal.

def frames(payload):
    """Each record of a payload, and whether it matches its own checksum, up to the first that is not whole."""
    at = 0
    while at + FRAME <= len(payload):
        length, checksum = struct.unpack_from("<II", payload, at)
        record = payload[at + FRAME : at + FRAME + length]
        if length == 0 or len(record) < length:
            return
        yield record, zlib.crc32(record, zlib.crc32(payload[at : at + 4])) == checksum
        at += FRAME + length


def batch_at(data, at, identity):
    """The fields of a batch's head and its payload, which may be cut short; nothing where no head is whole."""
    head = data[at : at + HEAD]
    if len(head) < HEAD or head[:4] != b"hgbB" or zlib.crc32(head[:44]) != struct.unpack_from("<I", head, 44)[0]:
        return None
    kind, own, number, first, count, length, checksum = struct.unpack_from("<IQQQIII", head, 4)
    if own != identity or kind not in (RECORDS, SEAL):
        return None
    payload = data[at + HEAD : at + HEAD + length]
    good = len(payload) == length and (kind == SEAL or zlib.crc32(payload) == checksum)
    return kind, number, first, count, payload, good


def refuse_a_later_batch(data, at, identity, number, place):
    """Batches are written one after the other, so behind the end of a journal there is none that is whole."""
    while (at := data.find(b"hgbB", at + 1)) >= 0:
        found = batch_at(data, at, identity)
        check(not (found and found[-1] and found[1] > number), f"{place}: damage, and a later batch at byte {at}")


def read_segment(file, expected, next_start):
    """Every record of a segment with its position; what a following segment, or nothing, is to begin with."""
    data = file.read_bytes()
    check(data[:8] == b"hongbaoJ" and len(data) >= HEADER, f"{file}: no segment")
    version, identity, first, batch, checksum = struct.unpack_from("<IQQQI", data, 8)
    check(zlib.crc32(data[:36]) == checksum, f"{file}: the header does not match its checksum")
    check(version == 1 and first == int(file.stem), f"{file}: version {version}, position {first}")
    check(expected in (None, (identity, first, batch)), f"{file}: does not follow from the segment before")
    at, position = HEADER, first
    while at < len(data) and position != next_start:
        found, place = batch_at(data, at, identity), f"{file}, byte {at}"
        if next_start is None and (found is None or found[1] < batch):
            refuse_a_later_batch(data, at, identity, batch - 1, place)
            say(f"cut off: {len(data) - at} bytes are no batch")
            return None
        check(found, f"{place}: no batch")
        kind, number, begins, count, payload, good = found
        check((number, begins) == (batch, position), f"{place}: another batch than is due")
        if kind == SEAL:
            check(next_start is None and at + HEAD == len(data), f"{place}: more behind a seal")
            say("sealed")
            return None
        check(good or next_start is None, f"{place}: a batch is damaged")
        for record, matches in frames(payload):
            if not matches:
                break
            yield position, record
            position += 1
        if not good:
            refuse_a_later_batch(data, at, identity, batch - 1, place)
            say(f"cut off: {begins + count - position} records of the last batch are not whole")
            return None
        check(position == begins + count, f"{place}: another count of records than the head says")
        at, batch = at + HEAD + len(payload), batch + 1
    check(next_start in (None, position), f"{file}: ends before the next segment begins")
    if next_start is None:
        say("not sealed")
    return identity, position, batch


def read_journal(folder):
    """Every record with its position."""
    files = sorted(folder.glob("*.segment"))
    starts, expected = [int(file.stem) for file in files], None
    for file, next_start in zip(files, [*starts[1:], None]):
        expected = yield from read_segment(file, expected, next_start)


def say(what):
    print(what, file=sys.stderr)


def arguments():
    """The folder of the segments, and whether values are wanted; a line of usage and exit code 2 where they are wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="a data folder, or its folder journal")
    parser.add_argument("--values", action="store_true", help="print what events and messages say, too")
    given = parser.parse_args()
    folder = given.folder
    if not folder.is_dir():
        parser.error(f"{folder} is no folder: give a data folder, or its folder journal")
    folder = folder / "journal" if (folder / "journal").is_dir() else folder
    if not any(folder.glob("*.segment")):
        parser.error(f"{folder} holds no segment: give a data folder, or its folder journal")
    return folder, given.values


def main():
    folder, values = arguments()
    page = Path(__file__).resolve().parents[2] / "docs" / "FORMATS.md"
    types = read_types(page) if values else None
    chains = None
    for position, record in read_journal(folder):
        if position == 1:
            chains = Chains()
        if chains:
            chains.prove(position, record)
        print(json.dumps(line_of(position, record, types), separators=(",", ":"), ensure_ascii=False))


if __name__ == "__main__":
    try:
        main()
        sys.stdout.flush()
    except Damaged as damage:
        sys.exit(f"damaged: {damage}")
    except BrokenPipeError:
        # Whoever read the lines has seen enough, such as `head`; Python would tell of it once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        sys.exit(f"cannot read {error.filename}: {error.strerror}")
