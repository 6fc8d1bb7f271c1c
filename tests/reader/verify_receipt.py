"""Verifies a receipt of hongbao, written from docs/API.md ("Receipts") and docs/FORMATS.md alone: `verify_receipt.py FILE`.

It works out the checksum and every head of the chain, and holds price, buyer and time of the sale against what the bytes say. It
prints the number of entries and the head after the last. What became of the commission is left to `hongbao verify`.
"""

import argparse
import json
import struct
import sys
from datetime import datetime, timezone
from pathlib import Path

from blake3 import blake3
from values import Damaged, check, read_types, whole


def head_of(chain):
    head = struct.pack("<Q24x", chain["actor"])
    for entry in chain["entries"]:
        events = bytes.fromhex(entry["events"])
        hashed = head + struct.pack("<QI", entry["at"], len(events)) + events
        head = blake3(hashed + bytes(-len(hashed) % 64))
    return head.hex()


def events_of(chain, types):
    for entry in chain["entries"]:
        for event in whole(bytes.fromhex(entry["events"]), ("Vec", "Event"), types):
            yield entry["at"], event["Certificate"]


def check_facts(facts, chain, types):
    said = {}
    for at, event in events_of(chain, types):
        if "Begun" in event:
            birth = event["Begun"]
            said |= {"price": birth["price"], "payee": birth["payee"], "serial": birth["serial"]}
            said |= {"offering": birth["offering"], "currency": birth["currency"]}
        elif "Sold" in event:
            said |= {"buyer": event["Sold"]["buyer"], "sold_at": at}
    for party in ("buyer", "payee", "offering"):
        check(facts[party]["number"] == said[party], f"another {party} than the chain has")
    check((facts["serial"], facts["currency"]) == (said["serial"], said["currency"]), "another serial or currency")
    check(facts["price"].replace(".", "").lstrip("0") == str(said["price"]), "another price than the chain has")
    sold_at = datetime.fromisoformat(facts["sold_at"].replace("Z", "+00:00"))
    since = sold_at - datetime(1970, 1, 1, tzinfo=timezone.utc)
    check(round(since.total_seconds() * 1000) == said["sold_at"], "another time than the chain has")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("receipt", metavar="RECEIPT", type=Path, help="a file with a receipt, as the API gives it")
    file = parser.parse_args().receipt
    if not file.is_file():
        parser.error(f"{file} is no file: give one with a receipt, as the API gives it")
    try:
        receipt = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        sys.exit(f"{file} is no JSON: {error}")
    check(isinstance(receipt, dict) and {"format", "facts", "chain", "checksum"} <= receipt.keys(), "no receipt")
    check(receipt["format"] == "hongbao receipt 1", "of another form")
    three = [receipt[name] for name in ("format", "facts", "chain")]
    compact = json.dumps(three, separators=(",", ":"), ensure_ascii=False).encode()
    check(blake3(compact).hex() == receipt["checksum"], "does not match its checksum")
    chain, page = receipt["chain"], Path(__file__).resolve().parents[2] / "docs" / "FORMATS.md"
    head = head_of(chain)
    check((head, len(chain["entries"])) == (chain["head"], chain["sequence"]), "its entries do not lead to its head")
    check_facts(receipt["facts"], chain, read_types(page))
    print(len(chain["entries"]), head)


if __name__ == "__main__":
    try:
        main()
    except Damaged as damage:
        sys.exit(f"not true: {damage}")
