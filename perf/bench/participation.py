#!/usr/bin/env python3
"""Votes by message on a whole node: a steady rate, and a peak of ten times that.

    participation.py --binary target/release/signalbox [--rate N] [--seconds N] [--peak N] [--peak-seconds N]
                     [--drain N] [--folder FOLDER]

A simulated SMSC brings votes of devices at a rate, then a second one at the rate of the peak, each device several times
within its phase. Each vote is acknowledged when it is durable; then it is extracted, judged and stored, and the ones
that count are answered over the same SMSC. A device's first three votes count.

It prints votes acknowledged and judged a second, how long the SMSC waited for its acknowledgements, and how long the
node worked on after the peak. Afterwards the books are checked in the campaign's database: every vote that was
acknowledged was judged, and of each device the votes that count are the ones that it sent first, so that none was lost
and none overtook another. The exit code is 1 when a target was missed or the books are wrong.
"""

import argparse
import collections
import json
import sqlite3
import sys
import time

from enterprise import Site
from load import cpu_seconds, memory

# Votes of a device that count, and those that it sends.
COUNT, EACH = 3, 5
STEADY, PEAK = "447400000000", "447500000000"

ROWS = """
[[participation]]
name = 'bench'
account = 'bench'
kind = 'vote'
state = 'open'
program = 'bench'
[[participation.entry_points]]
channel = 'sms'
source_address = 'code'
keyword = 'song'
[[participation.extraction]]
field = 'choice'
kind = 'enumeration'
[[participation.extraction.options]]
value = '7'
synonyms = ['seven']
[[participation.extraction.options]]
value = '8'
[[participation.extraction]]
field = 'mark'
kind = 'regex'
pattern = 'm=([0-9]+)'
[[participation.requirements]]
kind = 'max_per_participant'
limit = {count}
[participation.responses]
accepted = 'Thank you for {{choice}}.'
"""


class Phase:
    """One SMSC that brings so many votes at a rate, each device EACH times."""

    def __init__(self, site, name, first, rate, seconds):
        self.name, self.first, self.rate = name, first, rate
        self.devices = max(1, rate * seconds // EACH)
        self.votes = self.devices * EACH
        self.log = f"{site.folder}/{name}.events"
        texts = ["song 7 please", "Song EIGHT, or 8"]
        self.process = site.smsc(name, rate, self.votes, first, self.devices, texts, "--log", self.log)

    def waits(self):
        """From a vote's way to its acknowledgement, in milliseconds, by what the SMSC wrote down; and those that it
        never acknowledged."""
        sent, waits = {}, []
        with open(self.log, encoding="utf-8") as log:
            for line in log:
                if '"e":"mo' not in line:
                    continue
                event = json.loads(line)
                if event["e"] == "mo":
                    sent.setdefault(event["m"], event["t"])
                elif event["status"] == 0 and event["m"] in sent:
                    waits.append((event["t"] - sent.pop(event["m"])) / 1000)
        waits.sort()
        return waits, len(sent)


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def judged(data):
    """Votes that have a verdict, by the databases: a vote that was asked for twice has one."""
    try:
        total = 0
        for file, question in (("campaign", "SELECT submissions FROM campaign"), ("rejects", "SELECT count(*) FROM rejects")):
            database = sqlite3.connect(f"file:{data}/participation/bench.{file}.db?mode=ro", uri=True, timeout=10)
            total += database.execute(question).fetchone()[0]
            database.close()
        return total
    except sqlite3.OperationalError:
        return 0


def wait_until(what, limit):
    """Seconds until it is so; None when it is not within the limit."""
    begun = time.monotonic()
    while time.monotonic() - begun < limit:
        if what():
            return time.monotonic() - begun
        time.sleep(0.5)
    return None


def books(data, phases):
    """What is wrong in the campaign's database."""
    wrong = []
    submissions = sqlite3.connect(f"file:{data}/participation/bench.campaign.db?mode=ro", uri=True)
    rejects = sqlite3.connect(f"file:{data}/participation/bench.rejects.db?mode=ro", uri=True)
    marks = collections.defaultdict(list)
    for participant, fields in submissions.execute("SELECT participant, fields FROM submissions"):
        marks[participant].append(int(json.loads(fields)["mark"]))
    for code, count in rejects.execute("SELECT code, count(*) FROM rejects GROUP BY code"):
        expected = sum(phase.votes - COUNT * phase.devices for phase in phases)
        if code != "LIMIT" or count != expected:
            wrong.append(f"{count} votes are {code}, {expected} should be LIMIT and no other")
    late = 0
    for phase in phases:
        for device in range(phase.devices):
            kept = sorted(marks.pop(str(int(phase.first) + device), []))
            late += kept != [device + turn * phase.devices for turn in range(COUNT)]
    if late:
        wrong.append(f"of {late} devices other votes count than the first {COUNT}")
    if marks:
        wrong.append(f"{len(marks)} devices are nobody's")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rate", type=int, default=2_000, help="votes a second (2,000)")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--peak", type=int, help="votes a second of the peak (ten times the rate)")
    parser.add_argument("--peak-seconds", type=int, default=60)
    parser.add_argument("--drain", type=int, default=600, help="seconds that the node may work on after the peak")
    parser.add_argument("--folder", default="var/bench")
    options = parser.parse_args()
    peak_rate = options.peak or 10 * options.rate
    rows = ROWS.format(count=COUNT)
    with Site(options, "votes", ["steady", "peak"], "{ reply = 'Text SONG and 7 or 8.' }", rows) as site:
        node, data, phases, missed = site.node, site.data, [], []
        cpu, begun = cpu_seconds(node.pid), time.monotonic()
        steady = Phase(site, "steady", STEADY, options.rate, options.seconds)
        phases.append(steady)
        took = wait_until(lambda: judged(data) >= steady.votes, options.seconds + options.drain)
        seconds = time.monotonic() - begun
        cpu = cpu_seconds(node.pid) - cpu
        waits, unacknowledged = steady.waits()
        print(
            f"steady: {steady.votes} votes of {steady.devices} devices at {options.rate}/s: judged "
            f"{judged(data) / seconds:.0f}/s in {seconds:.1f} s, acknowledged after p50 {percentile(waits, 0.5):.1f} ms, "
            f"p99 {percentile(waits, 0.99):.1f} ms, CPU-s per 1,000 {1000 * cpu / steady.votes:.3f}"
        )
        # The devices need some seconds for their votes; so much later the last one is judged.
        if took is None or seconds > options.seconds + 5:
            missed.append("the steady rate is not held")
        if unacknowledged or percentile(waits, 0.99) > 100:
            missed.append(f"p99 of acknowledgements is above 100 ms, {unacknowledged} never came")

        begun = time.monotonic()
        peak = Phase(site, "peak", PEAK, peak_rate, options.peak_seconds)
        phases.append(peak)
        wanted = steady.votes + peak.votes
        wait_until(lambda: judged(data) >= wanted, options.peak_seconds)
        within, most = judged(data) - steady.votes, memory(node.pid)[1]
        drained = wait_until(lambda: judged(data) >= wanted, options.drain)
        seconds = time.monotonic() - begun
        waits, unacknowledged = peak.waits()
        print(
            f"peak: {peak.votes} votes of {peak.devices} devices at {peak_rate}/s: {within:.0f} judged within the "
            f"{options.peak_seconds} s, all after {seconds:.1f} s ({peak.votes / seconds:.0f}/s), acknowledged after p50 "
            f"{percentile(waits, 0.5):.1f} ms, p99 {percentile(waits, 0.99):.1f} ms, rss MB {most:.0f} at most"
        )
        if drained is None or unacknowledged:
            missed.append(f"{wanted - judged(data):.0f} votes of the peak are not judged, {unacknowledged} not acknowledged")
        missed += books(data, phases)
        print(f"participation: {'held' if not missed else 'MISSED: ' + '; '.join(missed)}")
        return 0 if not missed else 1


if __name__ == "__main__":
    sys.exit(main())
