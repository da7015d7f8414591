#!/usr/bin/env python3
"""Keyword in, script, answer out: the dialog server on a whole node.

    dialog.py --binary target/release/signalbox [--rate N] [--seconds N] [--folder FOLDER] [--flow] [--contacts]

A simulated SMSC brings messages of devices at a rate, each from another device and each a keyword; a script (or, with
--flow, a flow) answers each with one text, which leaves over the same SMSC. With --contacts the script asks for the
contact, which is made for each device as nobody knows it. All of it is durable: the message, the run,
the answer. It prints answers a second, the CPU of node and workers, commits, and how long a message takes from its
acceptance to the end of its run; the exit code is 1 when the target was missed.
"""

import argparse
import json
import os
import re
import sys
import time

from enterprise import Site
from load import cpu_seconds, memory, scrape

SCRIPT = """
function begin() {}
function moHandler() {
  var seen = (getConversation().get('seen') || 0) + 1;
  getConversation().set('seen', seen);
  sendTextMessage('bench', 'You wrote ' + getContactAttempt().text.length + ' characters, ' + seen + ' times.');
}
function optOutHandler() {}
function helpHandler() {}
"""

CONTACTS = SCRIPT.replace("'You wrote '", "'Dear ' + getContact().clientId + ', you wrote '")

FLOW = {
    "version": 1, "name": "bench", "start": "answer",
    "help": {"program": "bench", "text": "A bench."},
    "optOut": {"program": "bench", "text": "No more texts."},
    "steps": {
        "answer": {
            "kind": "send", "program": "bench", "next": "over",
            "text": "You wrote @(len(answer)) characters.",
        },
        "over": {"kind": "end"},
    },
}

ROWS = """
[[script]]
name = 'bench'
account = 'bench'
kind = '{kind}'
published = 1
[[script_version]]
name = 'bench.1'
script = 'bench'
version = 1
state = 'published'
body = '''{body}'''
[[keyword]]
name = 'bench'
text = 'quiz'
source_address = 'code'
program = 'bench'
account = 'bench'
sub_campaign = 'inbound'
"""


def children(pid):
    """The processes that it started: the script workers."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as found:
        direct = found.read().split()
    for task in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as found:
                direct += found.read().split()
        except FileNotFoundError:
            continue
    return sorted(set(direct))


def cpu_of_all(pid):
    return cpu_seconds(pid) + sum(cpu_seconds(child) for child in children(pid))


def quantile(first, last, name, part):
    """The bucket, by its upper end in seconds, that a part of what was observed between two scrapes lies within."""
    def buckets(metrics):
        found = ((re.search(r'le="([^"]+)"', labels), value) for seen, labels, value in metrics.samples if seen == name + "_bucket")
        return {float(le[1]): value for le, value in found if le}

    before, after = buckets(first), buckets(last)
    grown = sorted((le, value - before.get(le, 0)) for le, value in after.items())
    return next((f"<= {1000 * le:g} ms" for le, count in grown if grown[-1][1] and count >= part * grown[-1][1]), "not known")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--rate", type=int, default=5_000, help="messages of devices a second (5,000)")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--folder", default="var/bench")
    parser.add_argument("--flow", action="store_true")
    parser.add_argument("--contacts", action="store_true", help="a script that asks for the device's contact")
    options = parser.parse_args()
    kind, body = ("flow", json.dumps(FLOW)) if options.flow else ("javascript", CONTACTS if options.contacts else SCRIPT)
    rows = ROWS.format(kind=kind, body=body)
    with Site(options, "dialog", ["smsc"], "{ script = 'bench' }", rows) as site:
        node, wanted = site.node, options.rate * (options.seconds + 5)
        site.smsc("smsc", options.rate, wanted, "447400000000", wanted, ["quiz"])
        time.sleep(5)
        first, cpu, at = scrape(node), cpu_of_all(node.pid), time.monotonic()
        time.sleep(options.seconds)
        last, seconds = scrape(node), time.monotonic() - at
        cpu = cpu_of_all(node.pid) - cpu

        def grown(name, label=""):
            return last.sum(name, label) - first.sum(name, label)

        came = grown("dialog_mo_total") / seconds
        answered = grown("dialog_texts_total", 'end="queued"') / seconds
        left = grown("delivery_attempts_total", 'link="smsc"') / seconds
        failed = grown("dialog_runs_total") - grown("dialog_runs_total", 'end="ok"')
        p50, p99 = (quantile(first, last, "dialog_answer_seconds", part) for part in (0.5, 0.99))
        held = answered >= 0.98 * options.rate and failed == 0
        print(
            f"dialog {kind}{' with contacts' if options.contacts else ''}: {'held' if held else 'MISSED'}: messages/s {came:.0f}, answers/s {answered:.0f}, "
            f"left/s {left:.0f}, answered within p50 {p50}, p99 {p99}, failed {failed:.0f}, CPU-s per 1,000 {1000 * cpu / max(1, answered * seconds):.3f}, "
            f"commits/s {grown('store_commit_duration_seconds_count') / seconds:.0f}, "
            f"rss MB {memory(node.pid)[0]:.0f}"
        )
        return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
