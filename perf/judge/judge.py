#!/usr/bin/env python3
"""Judges whether the books of a run close.

    judge.py --esme LOG [LOG ...] --smsc LOG [LOG ...] --cdr FOLDER [--open N] [--max-duplicates N] [--receipts]

It reads the event logs of `signalbox sim esme` and `signalbox sim smsc` and the CDR files of the node between them
(docs/interfaces/cdr.md), and shares no code with any of the three. It prints a JSON verdict; the exit code is 0 when
nothing was violated, 1 when something was, 2 when the input cannot be read.

What it checks:

  final       each submit that was answered with ESME_ROK has exactly one final CDR, with its addresses
  balance     accepted = final outcomes + open; messages whose response the ESME never saw may be either
  unknown     there is no final CDR for what nobody sent
  lost        what the CDR calls accepted or delivered, the SMSC took, under the id that the CDR names
  receipt     what the CDR calls delivered, the SMSC said it delivered
  duplicate   the SMSC took nothing twice beyond the bound, and each such message is marked in its CDR
  sequence    the CDRs are numbered from 1 without gap or repeat over all files, and no id comes twice
  file        serials, counts, ranges, lengths and hashes of the CDR files are right
  told        the receipts that the ESME got are for its messages, agree with the CDR, and come once
  mo          each message from a device that was taken from the SMSC has one final CDR and reached the ESME
  log         the logs themselves make sense
"""

import argparse
import collections
import hashlib
import json
import os
import re
import sys

# Violations of one kind that are printed; all are counted.
SHOWN = 10


class Unreadable(Exception):
    """The input is no log or no CDR file."""


def lines(path):
    """The JSON objects of a log. A last line that was cut off by a crash is passed over."""
    with open(path, "rb") as file:
        data = file.read()
    whole, _, _ = data.rpartition(b"\n")
    for number, line in enumerate(whole.split(b"\n") if whole else [], 1):
        try:
            yield json.loads(line)
        except ValueError as error:
            raise Unreadable(f"{path}:{number}: {error}") from error


def canonical(message_id):
    """An id without what peers change on its way: case, leading zeros, the mark of hexadecimal."""
    text = message_id.strip().upper()
    return (text[2:] if text.startswith("0X") else text).lstrip("0") or "0"


def same_id(one, other):
    """Whether two spellings may be the same id: as text, or one decimal and the other hexadecimal."""
    one, other = canonical(one), canonical(other)
    if one == other:
        return True
    for decimal, hexadecimal in ((one, other), (other, one)):
        if decimal.isdigit() and re.fullmatch("[0-9A-F]+", hexadecimal) and int(decimal) == int(hexadecimal, 16):
            return True
    return False


class Verdict:
    """What was found."""

    def __init__(self):
        self.violations = collections.defaultdict(list)
        self.counts = {}

    def find(self, check, detail):
        self.violations[check].append(detail)

    def to_json(self):
        return {
            "ok": not self.violations,
            "counts": self.counts,
            "violations": {
                check: {"count": len(found), "shown": found[:SHOWN]}
                for check, found in sorted(self.violations.items())
            },
        }


class Esme:
    """What the ESMEs saw."""

    def __init__(self, paths, verdict):
        self.submits = {}  # marker -> (source, destination)
        self.sent = collections.Counter()  # marker -> times sent
        self.responses = collections.Counter()  # marker -> responses
        self.accepted = {}  # id -> marker
        self.accepted_markers = set()
        self.receipts = collections.defaultdict(list)  # id -> states of final receipts taken
        self.mo = collections.Counter()  # marker -> times taken
        for path in paths:
            for event in lines(path):
                self.add(event, verdict)

    def add(self, event, verdict):
        kind = event["e"]
        if kind == "submit":
            addresses = (event["source"], event["destination"])
            if self.submits.setdefault(event["m"], addresses) != addresses:
                verdict.find("log", f"marker {event['m']} was sent for two messages")
            self.sent[event["m"]] += 1
        elif kind == "response":
            self.responses[event["m"]] += 1
            if event["status"] == 0:
                if event["m"] in self.accepted_markers:
                    verdict.find("log", f"marker {event['m']} was accepted twice")
                if event["id"] in self.accepted:
                    verdict.find("final", f"message id {event['id']} was given twice")
                self.accepted[event["id"]] = event["m"]
                self.accepted_markers.add(event["m"])
        elif kind == "receipt" and event["status"] == 0 and event["stat"] != "ENROUTE":
            self.receipts[event["id"]].append(event["stat"])
        elif kind == "mo" and event["status"] == 0 and event["m"] is not None:
            self.mo[event["m"]] += 1

    def ambiguous(self):
        """Markers sent more often than answered: their fate is the node's to know."""
        return {
            marker for marker, sent in self.sent.items()
            if sent > self.responses[marker] and marker not in self.accepted_markers
        }


class Smsc:
    """What the SMSC took and said."""

    def __init__(self, paths, verdict):
        self.taken = collections.defaultdict(list)  # marker -> [(id, answered)]
        self.delivered = collections.defaultdict(set)  # marker -> states its receipts told
        self.addresses = {}
        self.mo = {}  # marker -> (source, destination), taken by the node
        for path in paths:
            for event in lines(path):
                self.add(event, verdict)

    def add(self, event, verdict):
        kind = event["e"]
        if kind == "submit" and event["status"] in (0, None):
            if event["m"] is None:
                verdict.find("log", f"the SMSC took a message without a marker for {event['destination']}")
                return
            self.taken[event["m"]].append((event["id"], event["status"] == 0))
            self.addresses[event["m"]] = (event["source"], event["destination"])
        elif kind == "receipt" and event["m"] is not None:
            self.delivered[event["m"]].add(event["stat"])
        elif kind == "mo_answer" and event["status"] == 0 and event["m"] is not None:
            self.mo[event["m"]] = (event["source"], event["destination"])


class Cdrs:
    """The CDR files of a folder."""

    def __init__(self, folder, verdict, first_sequence=1):
        self.records = []
        self.files = 0
        names = collections.defaultdict(dict)
        for name in os.listdir(folder):
            match = re.fullmatch(r"(.+)-(\d+)\.cdr(\.part)?", name)
            if match:
                names[match[1]].setdefault(int(match[2]), []).append(name)
        for prefix in sorted(names):
            self.read_series(folder, prefix, names[prefix], verdict, first_sequence)

    def read_series(self, folder, prefix, serials, verdict, first_sequence):
        expected, ids = first_sequence, set()
        numbers = sorted(serials)
        for before, after in zip(numbers, numbers[1:]):
            if after != before + 1:
                verdict.find("file", f"{prefix}: serial {before} is followed by {after}")
        for serial in numbers:
            if len(serials[serial]) > 1:
                verdict.find("file", f"{prefix}: serial {serial} is there closed and open")
            for name in sorted(serials[serial])[:1]:
                if name.endswith(".part") and serial != numbers[-1]:
                    verdict.find("file", f"{name} is open, and not the last")
                for record in self.read_file(os.path.join(folder, name), serial, verdict):
                    if record["sequence"] != expected:
                        verdict.find("sequence", f"{name}: {record['sequence']} where {expected} was due")
                    expected = record["sequence"] + 1
                    if record["id"] in ids:
                        verdict.find("sequence", f"{name}: id {record['id']} comes again")
                    ids.add(record["id"])
                    self.records.append(record)

    def read_file(self, path, serial, verdict):
        self.files += 1
        name = os.path.basename(path)
        with open(path, "rb") as file:
            data = file.read()
        whole, _, rest = data.rpartition(b"\n")
        closed = not name.endswith(".part")
        if closed and rest:
            verdict.find("file", f"{name}: the last line has no end")
        records, octets, digest, trailer = [], 0, hashlib.sha256(), None
        for number, line in enumerate(whole.split(b"\n") if whole else [], 1):
            if trailer is not None:
                verdict.find("file", f"{name}:{number}: there is something behind the trailer")
            try:
                value = json.loads(line)
            except ValueError as error:
                verdict.find("file", f"{name}:{number}: {error}")
                continue
            if "trailer" in value:
                trailer = value["trailer"]
                continue
            records.append(value)
            octets += len(line) + 1
            digest.update(line + b"\n")
        if not closed:
            # What a crash may cut away again is not published yet.
            while records and trailer is None and records[-1]["outbox"]["index"] + 1 < records[-1]["outbox"]["of"]:
                records.pop()
            return records
        if trailer is None:
            verdict.find("file", f"{name}: no trailer")
            return records
        found = {"serial": serial, "count": len(records), "octets": octets, "sha256": digest.hexdigest()}
        if records:
            found["first_sequence"] = records[0]["sequence"]
            found["last_sequence"] = records[-1]["sequence"]
            found["first_commit"] = records[0]["outbox"]["commit"]
            found["last_commit"] = records[-1]["outbox"]["commit"]
        for key, value in found.items():
            if trailer.get(key) != value:
                verdict.find("file", f"{name}: {key} is {value}, the trailer says {trailer.get(key)}")
        return records

    def finals(self, direction):
        return [
            record for record in self.records
            if record["kind"] == "final" and record["direction"] == direction
            and record["origin_class"] in ("user", "test")
        ]


def judge(esme_logs, smsc_logs, cdr_folder, open_messages=0, max_duplicates=0, receipts=False,
          max_receipt_duplicates=0):
    """Compares the three; returns a Verdict."""
    verdict = Verdict()
    esme = Esme(esme_logs, verdict)
    smsc = Smsc(smsc_logs, verdict)
    cdrs = Cdrs(cdr_folder, verdict)

    finals = collections.defaultdict(list)
    for record in cdrs.finals("mt"):
        finals[record["visible_id"]].append(record)
    for visible_id, records in finals.items():
        if len(records) > 1:
            verdict.find("final", f"message id {visible_id} has {len(records)} final CDRs")

    without_final = check_finals(esme, finals, verdict)
    extra = check_unknown(esme, finals, verdict)
    mo_without_final = check_mo(esme, smsc, cdrs, open_messages, verdict)
    # Of the messages in doubt some may wait in the node as well.
    in_doubt = len(esme.ambiguous()) - extra
    least = without_final + mo_without_final
    if not least <= open_messages <= least + in_doubt:
        verdict.find("balance", f"{least} accepted have no final CDR (and {in_doubt} are in doubt), "
                                f"but {open_messages} are open")
    check_outcomes(esme, smsc, finals, verdict)
    duplicates = check_duplicates(esme, smsc, finals, max_duplicates, verdict)
    check_told(esme, finals, receipts, max_receipt_duplicates, verdict)

    outcomes = collections.Counter(record["outcome"] for records in finals.values() for record in records)
    verdict.counts = {
        "submitted": len(esme.submits),
        "accepted": len(esme.accepted),
        "in_doubt": len(esme.ambiguous()),
        "outcomes": dict(sorted(outcomes.items())),
        "open": open_messages,
        "taken_by_smsc": len(smsc.taken),
        "duplicates": duplicates,
        "marked_possible_duplicate": sum(
            record["possible_duplicate"] for records in finals.values() for record in records),
        "receipts_told": sum(map(len, esme.receipts.values())),
        "mo": len(smsc.mo),
        "cdrs": len(cdrs.records),
        "cdr_files": cdrs.files,
    }
    return verdict


def check_finals(esme, finals, verdict):
    """Each accepted submit has its CDR; returns how many do not."""
    missing = 0
    for visible_id, marker in esme.accepted.items():
        if visible_id not in finals:
            missing += 1
            continue
        destination = esme.submits[marker][1] if marker in esme.submits else None
        for record in finals[visible_id]:
            if destination is not None and record["destination"].lstrip("+") != destination.lstrip("+"):
                verdict.find("final", f"message id {visible_id} was for {destination}, its CDR names another number")
    return missing


def check_unknown(esme, finals, verdict):
    """Final CDRs of messages whose response the ESME did not see; returns how many."""
    in_doubt = collections.Counter(esme.submits[marker][1].lstrip("+") for marker in esme.ambiguous())
    extra = 0
    for visible_id, records in finals.items():
        if visible_id in esme.accepted:
            continue
        # A refused submit has a CDR in some configurations, with an outcome of its own.
        if all(record["outcome"] in ("rejected", "filtered") for record in records):
            continue
        destination = records[0]["destination"].lstrip("+")
        if in_doubt[destination] > 0:
            in_doubt[destination] -= 1
            extra += 1
        else:
            verdict.find("unknown", f"message id {visible_id} has a final CDR, and no ESME sent it")
    return extra


def check_outcomes(esme, smsc, finals, verdict):
    for visible_id, records in finals.items():
        marker = esme.accepted.get(visible_id)
        if marker is None:
            continue
        for record in records:
            if record["outcome"] not in ("accepted", "delivered"):
                continue
            taken = smsc.taken.get(marker)
            if not taken:
                verdict.find("lost", f"message id {visible_id} (m={marker}) is {record['outcome']}, "
                                     "but the SMSC never took it")
                continue
            if record["remote_id"] and not any(same_id(given, record["remote_id"]) for given, _ in taken):
                verdict.find("lost", f"message id {visible_id} (m={marker}) names {record['remote_id']}, "
                                     f"the SMSC gave {taken[0][0]}")
            if record["outcome"] == "delivered" and "DELIVRD" not in smsc.delivered[marker]:
                verdict.find("receipt", f"message id {visible_id} (m={marker}) is delivered, "
                                        "but the SMSC sent no such receipt")


def check_duplicates(esme, smsc, finals, bound, verdict):
    by_marker = {marker: visible_id for visible_id, marker in esme.accepted.items()}
    duplicates = 0
    for marker, taken in smsc.taken.items():
        if marker not in esme.submits:
            verdict.find("unknown", f"the SMSC took m={marker}, which no ESME sent")
        if len(taken) == 1:
            continue
        duplicates += len(taken) - 1
        for record in finals.get(by_marker.get(marker), []):
            if not record["possible_duplicate"]:
                verdict.find("duplicate", f"m={marker} was taken {len(taken)} times, its CDR is not marked")
    if duplicates > bound:
        verdict.find("duplicate", f"{duplicates} duplicates at the SMSC, {bound} are allowed")
    return duplicates


def check_told(esme, finals, wanted, bound, verdict):
    repeated = 0
    for visible_id, states in esme.receipts.items():
        records = finals.get(visible_id)
        if records is None:
            if visible_id not in esme.accepted:
                verdict.find("told", f"a receipt came for {visible_id}, which no response named")
            else:
                verdict.find("told", f"a receipt came for {visible_id}, which has no final CDR")
            continue
        repeated += len(states) - 1
        if len(set(states)) > 1:
            verdict.find("told", f"receipts for {visible_id} disagree: {sorted(set(states))}")
        delivered = records[0]["outcome"] == "delivered"
        if ("DELIVRD" in states) != delivered:
            verdict.find("told", f"the receipt for {visible_id} says {states[0]}, its CDR {records[0]['outcome']}")
    if repeated > bound:
        verdict.find("told", f"{repeated} receipts came again, {bound} are allowed")
    if wanted:
        for visible_id in esme.accepted:
            if visible_id in finals and visible_id not in esme.receipts:
                verdict.find("told", f"no receipt came for {visible_id}")


def check_mo(esme, smsc, cdrs, open_messages, verdict):
    """Messages from devices; returns how many have no final CDR."""
    taken = collections.Counter(
        (source.lstrip("+"), destination.lstrip("+")) for source, destination in smsc.mo.values())
    finals = collections.Counter(
        (record["source"].lstrip("+"), record["destination"].lstrip("+")) for record in cdrs.finals("mo"))
    missing = sum((taken - finals).values())
    ended = [record for record in cdrs.finals("mo") if record["outcome"] in ("accepted", "delivered")]
    unseen = [marker for marker in smsc.mo if marker not in esme.mo]
    if smsc.mo and len(unseen) > open_messages + len(cdrs.finals("mo")) - len(ended):
        verdict.find("mo", f"{len(unseen)} messages from devices did not reach an ESME, such as m={unseen[0]}")
    for pair, count in (finals - taken).items():
        verdict.find("mo", f"{count} final CDRs too many from {pair[0]} to {pair[1]}")
    for marker, count in esme.mo.items():
        if marker not in smsc.mo and count > 1:
            verdict.find("mo", f"m={marker} came to an ESME {count} times")
    return missing


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--esme", nargs="+", required=True, metavar="LOG", help="logs of signalbox sim esme")
    parser.add_argument("--smsc", nargs="+", required=True, metavar="LOG", help="logs of signalbox sim smsc")
    parser.add_argument("--cdr", required=True, metavar="FOLDER", help="folder of the CDR files")
    parser.add_argument("--open", type=int, default=0, metavar="N", help="messages that have no outcome yet")
    parser.add_argument("--max-duplicates", type=int, default=0, metavar="N", help="duplicates allowed at the SMSC")
    parser.add_argument("--receipts", action="store_true", help="each message with an outcome has its receipt")
    parser.add_argument("--max-receipt-duplicates", type=int, default=0, metavar="N",
                        help="receipts that may have come again")
    given = parser.parse_args(arguments)
    try:
        verdict = judge(given.esme, given.smsc, given.cdr, given.open, given.max_duplicates, given.receipts,
                        given.max_receipt_duplicates)
    except (OSError, Unreadable, KeyError, TypeError) as error:
        print(f"judge: {error!r}", file=sys.stderr)
        return 2
    print(json.dumps(verdict.to_json(), indent=2))
    return 0 if not verdict.violations else 1


if __name__ == "__main__":
    sys.exit(main())
