#!/usr/bin/env python3
"""Load on a whole node: the benches of docs/performance.md.

    load.py --binary target/release/signalbox CASE [CASE ...] [--seconds N] [--folder FOLDER]

Node, SMSC and ESME are processes of their own, with config/perf.toml and config/perf-catalog.toml, in a folder made
for the run, on ports that the system gives. Metrics are scraped each second meanwhile. Each case prints one line for
people and, with --json, one of JSON; the exit code is 1 when a case missed its target. It needs nothing beside Python
and, for `kannel`, Debian's kannel.

Cases:
  relay      4 sessions each side, no receipts, as fast as it goes
  fsync1ms   the same, each commit 1 ms slower
  receipts   1 session each side, window 10, a receipt for each, ordinary delayed ACK
  throttled  a link that only says ESME_RTHROTTLED above 200/s; order per destination
  otp        one-time passwords beside bulk messages (--queued) on that link
  latency    1,000/s, open loop
  catalog    the same while a portability table of --uploaded numbers is put in force again and again
  idle       memory with 1,000 idle sessions
  queued     memory with 100 sessions and 100,000 queued messages
  restart    from start to ready with --queued messages in the store
  kills      kill -9 under load (--rate), six times; perf/judge/judge.py computes the books
  kannel     Kannel 1.4.5 with its spool relays, for comparison (perf/peers/kannel.conf)
"""

import argparse
import collections
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TICKS = os.sysconf("SC_CLK_TCK")
FIRST_NUMBER = "447700000000"


def refuse_memory(folder):
    """A figure of durable work needs a disk."""
    best, kind = "", ""
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for mount in mounts:
            _, point, system, *_ = mount.split()
            inside = os.path.realpath(folder).startswith(point.rstrip("/") + "/") or point == "/"
            if inside and len(point) > len(best):
                best, kind = point, system
    if kind in ("tmpfs", "ramfs"):
        sys.exit(f"{folder} lies on {kind}: nothing there survives the power, no figure of it counts")
    return kind


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory(pid):
    """Resident megabytes: now, at most, and now without what is mapped of files."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        found = dict(re.findall(r"(VmRSS|VmHWM|RssAnon):\s+(\d+) kB", status.read()))
    return tuple(int(found[name]) / 1024 for name in ("VmRSS", "VmHWM", "RssAnon"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """One of ours, ended at the end."""

    def __init__(self, arguments, log, cwd=None):
        self.log = log
        with open(log, "ab") as out:
            self.child = subprocess.Popen(arguments, stdout=out, stderr=subprocess.STDOUT, cwd=cwd)
        self.pid = self.child.pid

    def wait_for(self, pattern, limit=120):
        until = time.monotonic() + limit
        while time.monotonic() < until:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                found = re.search(pattern, log.read())
            if found:
                return found
            if self.child.poll() is not None:
                break
            time.sleep(0.02)
        with open(self.log, encoding="utf-8", errors="replace") as log:
            sys.exit(f"{self.log}: no {pattern!r}\n{log.read()[-2000:]}")

    def end(self, how=signal.SIGTERM, limit=60):
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(limit)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode

    def wait(self, limit):
        return self.child.wait(limit)

    def last_json(self):
        with open(self.log, encoding="utf-8") as log:
            return json.loads([line for line in log if line.startswith("{")][-1])


class Bed:
    """A folder with configuration and data, and the processes in it."""

    def __init__(self, options, name):
        self.options = options
        self.binary = os.path.abspath(options.binary)
        base = os.path.abspath(options.folder)
        os.makedirs(base, exist_ok=True)
        refuse_memory(base)
        self.folder = tempfile.mkdtemp(prefix=f"{name}-", dir=base)
        self.processes = []
        self.ported(base)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end(limit=20)
        if not self.options.keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def ported(self, base):
        """The portability table is made once for all runs."""
        self.table = self.table_of(base, self.options.ported)

    @staticmethod
    def table_of(base, numbers):
        path = os.path.join(base, f"ported-{numbers}.csv")
        if os.path.exists(path):
            return path
        first = int(FIRST_NUMBER)
        with open(path + ".new", "w", encoding="ascii") as table:
            table.write("number,carrier\n")
            for start in range(0, numbers, 100_000):
                rows = range(start, min(start + 100_000, numbers))
                table.write("".join(f"{first + row},{'two' if row % 3 else 'one'}\n" for row in rows))
        os.rename(path + ".new", path)
        return path

    def configure(self, link_port, changes=(), link_changes=()):
        """config/perf.toml and its catalog with our places, and the changes of the case."""
        with open(os.path.join(ROOT, "config/perf.toml"), encoding="utf-8") as file:
            settings = file.read()
        with open(os.path.join(ROOT, "config/perf-catalog.toml"), encoding="utf-8") as file:
            catalog = file.read()
        for pattern, value in [
            (r"data_directory = .*", f'data_directory = "{self.path("data")}"'),
            (r'address = "127.0.0.1:\d+"', 'address = "127.0.0.1:0"'),
            (r'file = "[^"]*ported.csv"', f'file = "{self.table}"'),
            (r'seed = .*', f'seed = "{self.path("catalog.toml")}"'),
            *changes,
        ]:
            settings, count = re.subn(pattern, value, settings)
            assert count, f"config/perf.toml has no {pattern}"
        if not self.options.ported:
            settings = settings.replace("portability = ", "# portability = ")
        for pattern, value in [(r"port = 2776", f"port = {link_port}"), *link_changes]:
            catalog, count = re.subn(pattern, value, catalog)
            assert count, f"config/perf-catalog.toml has no {pattern}"
        for name, text in (("node.toml", settings), ("catalog.toml", catalog)):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)

    def start(self, name, arguments):
        process = Process(arguments, self.path(f"{name}.log"), self.folder)
        self.processes.append(process)
        return process

    def smsc(self, *more, name="smsc"):
        process = self.start(name, [self.binary, "sim", "smsc", "--listen", "127.0.0.1:0", "--json", *more])
        process.port = int(process.wait_for(r"listening on 127\.0\.0\.1:(\d+)")[1])
        return process

    def node(self, name="node"):
        started = time.monotonic()
        process = self.start(name, [self.binary, "run", "--config", self.path("node.toml")])
        process.port = int(process.wait_for(r"smpp\s+127\.0\.0\.1:(\d+)", 300)[1])
        process.admin = process.wait_for(r"admin\s+(http://127\.0\.0\.1:\d+)")[1]
        while not self.ready(process):
            time.sleep(0.01)
        process.ready_after = time.monotonic() - started
        return process

    @staticmethod
    def ready(node):
        try:
            with urllib.request.urlopen(node.admin + "/ready", timeout=5) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def esme(self, node, *more, account="load", name="esme"):
        return self.start(name, [
            self.binary, "sim", "esme", "--connect", f"127.0.0.1:{node.port}", "--system-id", account,
            "--password", account, "--destination", FIRST_NUMBER, "--json", *more,
        ])

    def bound(self, node, sessions, limit=60):
        """Waits until the link has its sessions."""
        until = time.monotonic() + limit
        while scrape(node).sum("smpp_link_bound", 'link="sink"') < sessions:
            if time.monotonic() > until:
                sys.exit("the link does not bind")
            time.sleep(0.05)


class Metrics:
    """One scrape."""

    def __init__(self, text):
        self.samples = []
        for line in text.splitlines():
            match = re.fullmatch(r"([a-z_]+)(\{.*\})? (\S+)", line)
            if match:
                self.samples.append((match[1], match[2] or "", float(match[3])))

    def sum(self, name, label=""):
        return sum(value for found, labels, value in self.samples if found == name and label in labels)


def scrape(node):
    with urllib.request.urlopen(node.admin + "/metrics", timeout=10) as answer:
        return Metrics(answer.read().decode())


def settled(node):
    """Open messages, once the gauge has caught up."""
    before, opened = -1, 0
    while opened != before:
        time.sleep(3)
        before, opened = opened, scrape(node).sum("exchange_open_messages")
    return opened


class Watch:
    """Scrapes each second while a case runs."""

    def __init__(self, node):
        self.node, self.samples, self.stopped = node, [], threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.first, self.cpu, self.at = scrape(self.node), cpu_seconds(self.node.pid), time.monotonic()
        self.thread.start()
        return self

    def run(self):
        while not self.stopped.wait(1):
            metrics = scrape(self.node)
            self.samples.append({
                "second": time.monotonic() - self.at,
                "open": metrics.sum("exchange_open_messages"),
                "sent": metrics.sum("delivery_attempts_total", 'link="sink"'),
            })

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()
        self.last, self.seconds = scrape(self.node), time.monotonic() - self.at
        self.cpu = cpu_seconds(self.node.pid) - self.cpu

    def grown(self, name, label=""):
        return self.last.sum(name, label) - self.first.sum(name, label)

    def relayed(self):
        """Messages a second that left, without the seconds of the start and the end."""
        inner = self.samples[1:-2] or self.samples
        seconds = inner[-1]["second"] - inner[0]["second"] if inner else 0
        return (inner[-1]["sent"] - inner[0]["sent"]) / seconds if seconds else 0

    def backlog(self):
        """Open messages in the first and the last third, and whether they stay."""
        opens = [sample["open"] for sample in self.samples] or [0]
        third = max(1, len(opens) // 3)
        early, late = sum(opens[:third]) / third, sum(opens[-third:]) / third
        return {"early": round(early), "late": round(late), "most": round(max(opens)),
                "flat": late <= 1.5 * early + 2_000}

    def node_figures(self, messages):
        """What the node needed for so many messages."""
        commits = self.grown("store_commits_total")
        return {
            "cpu_s_per_1000": round(self.cpu / max(messages, 1) * 1_000, 4),
            "fsyncs_per_1000": round(commits / max(messages, 1) * 1_000, 1),
            "fsync_p50_ms": round(self.last.sum("store_fsync_seconds", 'quantile="0.5"') * 1e3, 2),
            "fsync_p99_ms": round(self.last.sum("store_fsync_seconds", 'quantile="0.99"') * 1e3, 2),
            "rss_mb": round(memory(self.node.pid)[1]),
        }


def relay(options, delay=None, target=20_000):
    with Bed(options, "relay") as bed:
        smsc = bed.smsc("--receipts", "none")
        changes = [(r'durability = "full"', f'durability = "full"\nbench_fsync_delay_us = {delay}')] if delay else []
        bed.configure(smsc.port, changes)
        node = bed.node()
        bed.bound(node, 4)
        load = ["--sessions", "4", "--window", str(options.window), "--duration", f"{options.seconds}s",
                "--destinations", "1000000", "--response-timeout", "60s"]
        load += ["--rate", str(options.rate)] if options.rate else []
        with Watch(node) as watch:
            esme = bed.esme(node, *load)
            esme.wait(options.seconds + 120)
        report = esme.last_json()
        sent = watch.grown("delivery_attempts_total", 'link="sink"')
        result = {
            "per_second": round(report["per_second"]), "relayed_per_second": round(watch.relayed()),
            "seconds": round(report["seconds"], 1), "refused": report["refused"],
            "response_p50_ms": round(report["latency"]["p50_us"] / 1e3, 2),
            "response_p99_ms": round(report["latency"]["p99_us"] / 1e3, 2),
            "backlog": watch.backlog(), **watch.node_figures(sent),
            "counter_keys": round(watch.last.sum("spam_counter_keys")), "ported": options.ported,
        }
        # At a given rate no more than it can come; samples are a second apart.
        least = 0.99 * min(target, options.rate or target)
        good = min(result["per_second"], result["relayed_per_second"]) >= least and result["backlog"]["flat"]
        return result, good and (delay is not None or result["cpu_s_per_1000"] <= 0.045)


def receipts(options):
    with Bed(options, "receipts") as bed:
        smsc = bed.smsc()
        one = [(r"sessions = 4", "sessions = 1"), (r"window = 200", "window = 10")]
        bed.configure(smsc.port, link_changes=one)
        node = bed.node()
        bed.bound(node, 1)
        with Watch(node) as watch:
            esme = bed.esme(node, "--window", "10", "--duration", f"{options.seconds}s", "--expect-receipts",
                            "--destinations", "100000", "--receipt-wait", "120s")
            code = esme.wait(options.seconds + 180)
        report = esme.last_json()
        result = {
            "per_second": round(report["per_second"]), "receipts_per_second": round(
                report["receipts"]["matched"] / watch.seconds),
            "receipts": report["receipts"], "problems": report["problems"],
            "response_p99_ms": round(report["latency"]["p99_us"] / 1e3, 2),
            "receipt_p50_ms": round(report["receipt_latency"]["p50_us"] / 1e3, 2),
            "receipt_p99_ms": round(report["receipt_latency"]["p99_us"] / 1e3, 2),
            "backlog": watch.backlog(), **watch.node_figures(report["accepted"]),
        }
        return result, code == 0 and result["receipts_per_second"] > 10_000


def log_of(path, event):
    with open(path, encoding="utf-8") as log:
        return [line for line in map(json.loads, log) if line["e"] == event]


def throttled(options):
    learning = 10
    with Bed(options, "throttled") as bed:
        smsc = bed.smsc("--throttle", "200:20", "--receipts", "none", "--log", bed.path("smsc.events"))
        bed.configure(smsc.port, link_changes=[(r"burst = 10_000", "burst = 1\nordered = true")])
        node = bed.node()
        bed.bound(node, 4)
        count = 200 * (options.seconds + learning + 10)
        started = time.time()
        bed.esme(node, "--count", str(count), "--window", "100", "--destinations", "5000")
        time.sleep(options.seconds + learning)
        ended = time.time()
        smsc.end()
        events = log_of(bed.path("smsc.events"), "submit")
    taken = [event for event in events if event["status"] == 0]
    learned = [event for event in events if (started + learning) * 1e6 <= event["t"] < ended * 1e6]
    refused = sum(event["status"] == 0x58 for event in learned)
    # The bucket gives no more than its rate, whatever it held at the start.
    used = (len(learned) - refused) / (ended - started - learning)
    last, disorder = collections.defaultdict(lambda: -1), 0
    for event in taken:
        disorder += event["m"] <= last[event["destination"]]
        last[event["destination"]] = event["m"]
    result = {"used_percent": round(used / 2, 1), "out_of_order": disorder,
              "throttled_percent": round(100 * refused / max(len(learned), 1), 2)}
    return result, result["used_percent"] >= 95 and result["throttled_percent"] < 2 and disorder == 0


def otp(options):
    with Bed(options, "otp") as bed:
        smsc = bed.smsc("--throttle", "200:20", "--receipts", "none", "--log", bed.path("smsc.events"))
        bed.configure(smsc.port, link_changes=[(r"burst = 10_000", "burst = 1")])
        node = bed.node()
        bed.bound(node, 4)
        bulk = bed.esme(node, "--count", str(options.queued), "--window", "500", "--sessions", "4",
                        "--destinations", "1000000", "--response-timeout", "120s", account="bulk", name="bulk")
        bulk.wait(1_200)
        # They leave at 200/s meanwhile, so that their count never settles; the gauge is a turn late at most.
        time.sleep(2)
        queued = scrape(node).sum("exchange_open_messages")
        first = 500_000_000
        code = bed.esme(node, "--rate", "5", "--duration", f"{options.seconds}s", "--first-marker", str(first),
                        "--log", bed.path("otp.events"), account="otp", name="otp").wait(options.seconds + 60)
        time.sleep(20)
        smsc.end()
        sent = {event["m"]: event["t"] for event in log_of(bed.path("otp.events"), "submit")}
        left = {event["m"]: event["t"] for event in log_of(bed.path("smsc.events"), "submit")
                if event["m"] is not None and event["m"] >= first and event["status"] == 0}
    waits = sorted((left.get(marker, float("inf")) - at) / 1e6 for marker, at in sent.items())
    p99 = waits[min(len(waits) - 1, int(len(waits) * 0.99))] if waits else float("inf")
    result = {"queued": round(queued), "passwords": len(waits), "never_left": sum(w == float("inf") for w in waits),
              "p50_s": round(waits[len(waits) // 2], 3) if waits else None, "p99_s": round(p99, 3)}
    return result, code == 0 and queued >= options.queued * 0.9 and p99 < 1


class Upload(threading.Thread):
    """Puts a table in the place of the one in force, again as soon as it is taken."""

    LOADED = "the portability table is loaded anew"

    def __init__(self, node, table, place):
        super().__init__(daemon=True)
        self.node, self.table, self.place = node, table, place
        self.stopped, self.taken, self.seconds = threading.Event(), 0, []

    def loaded(self):
        with open(self.node.log, encoding="utf-8", errors="replace") as log:
            return log.read().count(self.LOADED)

    def run(self):
        while not self.stopped.is_set():
            before, at = self.loaded(), time.monotonic()
            # A file of its own each time, as an upload is: its octets compete for the disk, too.
            shutil.copyfile(self.table, self.place + ".new")
            os.rename(self.place + ".new", self.place)
            while self.loaded() == before:
                if self.stopped.wait(0.1):
                    return
            self.taken += 1
            self.seconds.append(time.monotonic() - at)


def latency(options, uploaded=None):
    with Bed(options, "latency") as bed:
        smsc = bed.smsc("--receipts", "none")
        if uploaded:
            table, bed.table = bed.table_of(os.path.abspath(options.folder), uploaded), bed.path("ported.csv")
            with open(bed.table, "w", encoding="ascii") as first:
                first.write(f"number,carrier\n{FIRST_NUMBER},one\n")
            changes = [(r'file = "([^"]*)"', r'file = "\1", check_every = "1s"'),
                       (r'level = "warn"', 'level = "info"')]
            bed.configure(smsc.port, changes)
        else:
            bed.configure(smsc.port)
        node = bed.node()
        bed.bound(node, 4)
        upload = Upload(node, table, bed.table) if uploaded else None
        with Watch(node) as watch:
            if upload:
                upload.start()
            esme = bed.esme(node, "--rate", "1000", "--sessions", "4", "--window", "1000", "--destinations",
                            "100000", "--duration", f"{options.seconds}s")
            code = esme.wait(options.seconds + 60)
            if upload:
                upload.stopped.set()
                upload.join()
        report = esme.last_json()
        result = {name: round(report["latency"][f"{name}_us"] / 1e3, 2) for name in ("p50", "p99", "p999", "max")}
        result = {f"{name}_ms": value for name, value in result.items()}
        after = scrape(node)
        slow = after.sum("store_commit_duration_seconds_count") - after.sum("store_commit_duration_seconds_bucket", 'le="0.025"')
        result.update(accepted=report["accepted"], commits_over_25_ms=round(slow), **watch.node_figures(report["accepted"]))
        if not upload:
            return result, code == 0 and result["p99_ms"] < 10 and result["p999_ms"] < 50
        result.update(uploaded=uploaded, uploads=upload.taken,
                      upload_s=round(sum(upload.seconds) / max(upload.taken, 1), 1))
        return result, code == 0 and upload.taken > 0 and result["p99_ms"] < 20


def idle(options):
    with Bed(options, "idle") as bed:
        bed.configure(free_port())
        node = bed.node()
        before = memory(node.pid)[0]
        esme = bed.esme(node, "--sessions", "1000", "--count", "0", "--linger", "10s")
        until = time.monotonic() + 60
        while scrape(node).sum("smpp_link_bound", 'account="load"') < 1_000 and time.monotonic() < until:
            time.sleep(0.2)
        sessions = scrape(node).sum("smpp_link_bound", 'account="load"')
        time.sleep(3)
        resident, _, own = memory(node.pid)
        result = {"sessions": sessions, "rss_mb": round(resident), "own_mb": round(own), "rss_before_mb": round(before)}
        code = esme.wait(120)
        return result, code == 0 and sessions >= 1_000 and result["rss_mb"] < 100


def queued(options):
    with Bed(options, "queued") as bed:
        bed.configure(free_port())
        node = bed.node()
        before = memory(node.pid)[0]
        esme = bed.esme(node, "--sessions", "100", "--count", "100000", "--window", "20", "--destinations",
                        "100000", "--linger", "8s")
        time.sleep(1)
        until = time.monotonic() + 100
        while scrape(node).sum("exchange_open_messages") < 100_000 and time.monotonic() < until:
            time.sleep(0.5)
        time.sleep(3)
        opened = scrape(node).sum("exchange_open_messages")
        resident, _, own = memory(node.pid)
        result = {"open": round(opened), "rss_mb": round(resident), "own_mb": round(own), "rss_before_mb": round(before)}
        code = esme.wait(120)
        return result, code == 0 and opened >= 100_000 and result["rss_mb"] < 100


def restart(options):
    with Bed(options, "restart") as bed:
        bed.configure(free_port())
        node = bed.node()
        empty = node.ready_after
        load = bed.esme(node, "--sessions", "4", "--count", str(options.queued), "--window", "500",
                        "--destinations", "1000000", "--response-timeout", "120s")
        load.wait(1_200)
        opened = settled(node)
        node.end()
        node = bed.node("again")
        again = settled(node)
        result = {"queued": round(opened), "open_after": round(again), "ready_s": round(node.ready_after, 2),
                  "ready_when_empty_s": round(empty, 2), "rss_mb": round(memory(node.pid)[1])}
        return result, opened >= options.queued and again >= opened and node.ready_after < 2


def kills(options):
    """Whether the books close over kills -9 under full load, in the build that carriers run."""
    rounds = 6
    with Bed(options, "kills") as bed:
        smsc = bed.smsc("--log", bed.path("smsc.events"), "--log-sync")
        bed.configure(smsc.port)
        with open(bed.path("node.toml"), encoding="utf-8") as file:
            settings = file.read()
        with open(bed.path("node.toml"), "w", encoding="utf-8") as file:
            # The ESME finds the next node where the last one was.
            file.write(settings.replace('address = "127.0.0.1:0"', f'address = "127.0.0.1:{free_port()}"', 1))
        node = bed.node()
        bed.bound(node, 4)
        esme = bed.esme(node, "--rate", str(options.rate or 10_000), "--sessions", "4", "--window", "200", "--reconnect",
                        "--retry", "--destinations", "100000", "--duration", f"{options.seconds}s", "--expect-receipts",
                        "--receipt-wait", "150s", "--log", bed.path("esme.events"))
        for number in range(rounds):
            time.sleep(options.seconds / (rounds + 1))
            node.end(signal.SIGKILL)
            node = bed.node(f"node-{number + 1}")
        # What was in the windows is in doubt for a minute, and then tried again.
        esme.wait(options.seconds + 400)
        until = time.monotonic() + 75
        while scrape(node).sum("exchange_open_messages") > 0 and time.monotonic() < until:
            time.sleep(1)
        opened = round(scrape(node).sum("exchange_open_messages"))
        node.end()
        smsc.end()
        windows = str(rounds * 4 * 200)
        judged = subprocess.run(
            [sys.executable, os.path.join(ROOT, "perf/judge/judge.py"), "--esme", bed.path("esme.events"), "--smsc",
             bed.path("smsc.events"), "--cdr", bed.path("data/cdr"), "--open", str(opened), "--max-duplicates", windows,
             "--max-receipt-duplicates", windows], capture_output=True, text=True, check=False)
        if judged.returncode != 0:
            print(judged.stdout, judged.stderr, file=sys.stderr)
        verdict = json.loads(judged.stdout or "{}")
        result = {"kills": rounds, "open": opened, **verdict.get("counts", {}),
                  "violations": {check: found["count"] for check, found in verdict.get("violations", {}).items()}}
        return result, judged.returncode == 0


def kannel(options):
    """An SMSC's messages from devices go through bearerbox to another SMSC."""
    count = 6_000 * options.seconds
    with Bed(options, "kannel") as bed:
        target = bed.smsc("--receipts", "none", name="target")
        source = bed.smsc("--mo-rate", "1000000", "--mo-count", str(count), "--deliver-window", "100",
                          name="source")
        os.mkdir(bed.path("spool"))
        with open(os.path.join(ROOT, "perf/peers/kannel.conf"), encoding="utf-8") as file:
            text = file.read()
        for key, value in {"SOURCE_PORT": source.port, "TARGET_PORT": target.port, "ADMIN_PORT": free_port(),
                           "SMSBOX_PORT": free_port(), "SPOOL": bed.path("spool")}.items():
            text = text.replace(f"@{key}@", str(value))
        with open(bed.path("kannel.conf"), "w", encoding="utf-8") as file:
            file.write(text)
        binary = shutil.which("bearerbox", path=os.environ.get("PATH", "") + ":/usr/sbin")
        if binary is None:
            sys.exit("bearerbox is not there: Debian has it in the package kannel")
        box = bed.start("bearerbox", [binary, "-v", "3", bed.path("kannel.conf")])
        started = time.monotonic()
        time.sleep(options.seconds)
        if box.child.poll() is not None:
            box.wait_for("a relay that goes on")
        cpu, rss, took = cpu_seconds(box.pid), memory(box.pid)[1], time.monotonic() - started
        box.end(limit=10)
        target.end()
        stats = target.last_json()
        # A second goes by until both sides are bound.
        rate = stats["taken"] / max(took - 1, 1)
        result = {"per_second": round(rate), "messages": stats["taken"], "rss_mb": round(rss),
                  "cpu_s_per_1000": round(cpu / max(stats["taken"], 1) * 1_000, 3), "spool": True}
        return result, stats["taken"] > 0


CASES = {
    "relay": relay,
    "fsync1ms": lambda options: relay(options, delay=1_000, target=15_000),
    "receipts": receipts, "throttled": throttled, "otp": otp, "latency": latency,
    "catalog": lambda options: latency(options, uploaded=options.uploaded), "idle": idle,
    "queued": queued, "restart": restart, "kills": kills, "kannel": kannel,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", choices=CASES, metavar="CASE")
    parser.add_argument("--binary", required=True, help="the signalbox program, of the release profile")
    parser.add_argument("--seconds", type=int, default=60, help="how long a case runs (60)")
    parser.add_argument("--folder", default="var/bench", help="where the runs have their data (var/bench)")
    parser.add_argument("--ported", type=int, default=10_000_000, help="rows of the portability table (10,000,000); 0: none")
    parser.add_argument("--uploaded", type=int, default=5_000_000, help="rows of the table put in force (5,000,000)")
    parser.add_argument("--queued", type=int, default=1_000_000, help="messages in the queue (1,000,000)")
    parser.add_argument("--window", type=int, default=200, help="window of each session of the relay (200)")
    parser.add_argument("--rate", type=float, help="messages a second of the relay; as fast as it goes without it")
    parser.add_argument("--json", action="store_true", help="a line of JSON for each case")
    parser.add_argument("--keep", action="store_true", help="keeps data and logs")
    options = parser.parse_args()
    missed = False
    for case in options.cases:
        result, held = CASES[case](options)
        missed |= not held
        if options.json:
            print(json.dumps({"case": case, "held": held, **result}), flush=True)
        else:
            told = ", ".join(f"{key} {value}" for key, value in result.items())
            print(f"{case}: {'held' if held else 'MISSED'}: {told}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
