#!/usr/bin/env python3
"""The books of a test with crashes, from the logs of both peers and the CDR files.

    books.py FOLDER CDR_FOLDER MOST_DUPLICATES

Every submission has a destination of its own. FOLDER/esme.log names what was accepted with the id that was given,
FOLDER/unanswered.log what was never answered (it may have been accepted or not), FOLDER/smsc.log each submit that
the SMSC took. Nothing is open any more. Prints the balance; the exit code is 1 when it does not hold.
"""

import collections
import hashlib
import json
import pathlib
import sys


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def records(folder, problems):
    found, serials = [], []
    for path in sorted(folder.glob("*.cdr")):
        octets = path.read_bytes()
        *body, last = octets.decode().splitlines()
        trailer = json.loads(last)["trailer"]
        serials.append(trailer["serial"])
        if hashlib.sha256(octets[: trailer["octets"]]).hexdigest() != trailer["sha256"]:
            problems.append(f"{path.name}: its hash is another")
        if len(body) != trailer["count"]:
            problems.append(f"{path.name}: {len(body)} records, its trailer says {trailer['count']}")
        found += [json.loads(line) for line in body]
    for path in sorted(folder.glob("*.cdr.part")):
        text = path.read_text()
        found += [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if "trailer" not in line]
    if serials and serials != list(range(serials[0], serials[0] + len(serials))):
        problems.append(f"the serials have a gap: {serials}")
    sequences = [record["sequence"] for record in found]
    if sequences != list(range(1, len(sequences) + 1)):
        problems.append("the sequences of the records have a gap or a repeat")
    ids = collections.Counter(record["id"] for record in found)
    problems += [f"the record {id} is there {count} times" for id, count in ids.items() if count > 1]
    return found


def main():
    folder, cdr_folder, most = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    problems = []
    accepted = {line["to"]: line["id"] for line in lines(folder / "esme.log")}
    unanswered = {line["to"] for line in lines(folder / "unanswered.log")}
    taken = collections.Counter(line["to"] for line in lines(folder / "smsc.log"))
    finals = collections.defaultdict(list)
    for record in records(cdr_folder, problems):
        if record["kind"] == "final":
            finals[record["destination"]].append(record)

    for to, id in accepted.items():
        if [record["visible_id"] for record in finals[to]] != [id]:
            problems.append(f"{to} was accepted as {id} and has {len(finals[to])} final records")
        if to not in taken:
            problems.append(f"{to} was accepted and never came to the SMSC")
    for to, found in finals.items():
        if found and to not in accepted and to not in unanswered:
            problems.append(f"{to} has a final record and was never accepted")
        if len(found) > 1:
            problems.append(f"{to} has {len(found)} final records")
    outcomes = collections.Counter(found[0]["outcome"] for found in finals.values() if found)

    doubled = {to: count for to, count in taken.items() if count > 1}
    duplicates = sum(count - 1 for count in doubled.values())
    if duplicates > most:
        problems.append(f"{duplicates} duplicates at the SMSC, {most} at most")
    unmarked = [to for to in doubled if not (finals[to] and finals[to][0].get("possible_duplicate"))]
    problems += [f"{to} came to the SMSC {doubled[to]} times and its record does not say so" for to in unmarked]
    marked = sum(1 for found in finals.values() if found and found[0].get("possible_duplicate"))
    doubts = sum(1 for found in finals.values() if found and found[0].get("doubt"))

    also = sum(1 for to in unanswered if finals[to])
    print(f"accepted {len(accepted)}, and {also} of {len(unanswered)} without an answer; outcomes {dict(outcomes)}")
    print(f"in doubt {doubts}; duplicates {duplicates} of at most {most}, {marked} records marked, {len(unmarked)} not")
    for problem in problems[:20]:
        print("WRONG:", problem)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
