#!/usr/bin/env python3
"""Rules, dashboards and runbooks are about what the node really exports.

Every metric that config/prometheus and config/grafana ask for stands in docs/operations/metrics.md with the labels that
are asked for, or is recorded by a rule. Every alert has a page docs/runbooks/NAME.md, names it as runbook_url, is listed
in docs/runbooks/README.md and is in a unit test; every page has its alert. Every dashboard is JSON of a form that
Grafana loads, and each of its panels asks something.
"""

import json
import pathlib
import re
import sys

# With this argument the queries of the dashboards are printed as rules, so that promtool says whether they can be read.
AS_RULES = "--dashboards-as-rules"

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What Prometheus itself adds.
OWN_METRICS = {"up", "ALERTS"}
OWN_LABELS = {"job", "instance", "le"}
WORDS = set(
    "and or unless on ignoring by without group_left group_right bool offset sum min max avg count topk bottomk rate "
    "irate increase resets changes deriv delta histogram_quantile max_over_time min_over_time avg_over_time label_replace sort_desc clamp_min "
    "clamp_max abs absent vector scalar time label_values".split()
)
problems = []


def wrong(text):
    problems.append(text)


def listed():
    """Metrics of the list, with their labels."""
    metrics = {}
    for line in (ROOT / "docs/operations/metrics.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 5 or not re.fullmatch(r"`\w+`", cells[1]):
            continue
        metrics[cells[1].strip("`")] = set(re.split(r",| or ", cells[2].replace(" ", ",").replace(",or,", ","))) - {""}
    return metrics


def histograms():
    """Metrics that the program makes as histograms."""
    found = set()
    for source in (ROOT / "engine").rglob("*.rs"):
        found |= set(re.findall(r'histogram!\(\s*"(\w+)"', source.read_text()))
    return found


METRICS = listed()
HISTOGRAMS = histograms()


def rules(path):
    """The rules of a file: (kind, name, expression, text of the rule)."""
    text = path.read_text()
    starts = [found.start() for found in re.finditer(r"^ +- (?:alert|record):", text, re.M)] + [len(text)]
    for start, end in zip(starts, starts[1:]):
        rule = re.sub(r"^ *#.*$", "", text[start:end], flags=re.M)
        kind, name = re.search(r"- (alert|record): *(\S+)", rule).groups()
        expr = re.search(r"^( +)expr: *(?:>-|\|)?(.*(?:\n\1 +.*)*)", rule, re.M).group(2)
        yield kind, name, expr, rule


def check_expression(where, expr, recorded):
    """Names and labels of one expression of PromQL."""
    bare = re.sub(r"\$\w+|\$\{\w+\}", "1", re.sub(r'"(?:[^"\\]|\\.)*"', '""', expr))
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    bare = re.sub(r"\b\d[\w.]*", "1", bare)
    found = 0
    for name, selector in re.findall(r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?", re.sub(r"\[[^\]]*\]", "", bare)):
        if name in WORDS or name in OWN_METRICS or name in recorded:
            found += name not in WORDS
            continue
        asked, base = name, re.sub(r"_(bucket|sum|count)$", "", name)
        if name not in METRICS and base in HISTOGRAMS:
            name = base
        if name not in METRICS:
            wrong(f"{where} asks for {name}, which no node exports")
            continue
        found += 1
        if name in HISTOGRAMS and asked == name:
            wrong(f"{where} asks for {name} without _bucket, _sum or _count")
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            if label not in METRICS[name] | OWN_LABELS:
                wrong(f"{where} asks for the label {label} of {name}, which it does not have")
    if not found:
        wrong(f"{where} asks for no metric")


def check_rules():
    """Names of what is recorded; alerts are checked against their pages and tests."""
    folder = ROOT / "config/prometheus"
    files = [(path, list(rules(path))) for path in (folder / "recording.yml", folder / "alerts.yml")]
    recorded = {name for _, found in files for kind, name, _, _ in found if kind == "record"}
    tests = "".join(path.read_text() for path in (folder / "tests").glob("*.yml"))
    index = (ROOT / "docs/runbooks/README.md").read_text()
    alerts = set()
    for path, found in files:
        for kind, name, expr, rule in found:
            check_expression(f"{path.name}: {name}", expr, recorded)
            if kind == "record":
                continue
            alerts.add(name)
            page = f"docs/runbooks/{name}.md"
            if f"runbook_url: {page}\n" not in rule + "\n":
                wrong(f"alert {name} does not name {page} as its runbook_url")
            if not (ROOT / page).exists():
                wrong(f"alert {name} has no page {page}")
            if f"]({name}.md)" not in index:
                wrong(f"docs/runbooks/README.md does not list {name}")
            if f'alertname="{name}"' not in tests:
                wrong(f"no test in config/prometheus/tests is about {name}")
    for page in (ROOT / "docs/runbooks").glob("*.md"):
        if page.stem != "README" and page.stem not in alerts:
            wrong(f"docs/runbooks/{page.name} is a page without an alert")
    return recorded, alerts


def as_rules():
    """The queries of all dashboards as a file of rules, Grafana's variables filled in."""
    yield "groups:\n  - name: dashboards\n    rules:"
    for path in sorted((ROOT / "config/grafana").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel.get("targets", []):
                expr = re.sub(r"\$\w+", ".*", target["expr"].replace("$__rate_interval", "5m"))
                name = f"{path.stem}:panel{panel['id']}:{target['refId'].lower()}"
                yield f"      - record: {name}\n        expr: {json.dumps(expr)}"


def check_dashboards(recorded):
    """How many queries there are in how many dashboards."""
    queries, uids = 0, set()
    paths = sorted((ROOT / "config/grafana").glob("*.json"))
    for path in paths:
        try:
            board = json.loads(path.read_text())
        except ValueError as error:
            wrong(f"{path.name} is no JSON: {error}")
            continue
        for key in ("uid", "title", "panels", "templating", "schemaVersion"):
            if not board.get(key):
                wrong(f"{path.name} has no {key}")
        if board.get("uid") in uids:
            wrong(f"{path.name} has the uid of another dashboard")
        uids.add(board.get("uid"))
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                check_expression(f"{path.name}: variable {variable['name']}", re.sub(r",\s*\w+\)$", ")", variable["definition"]), recorded)
        ids = set()
        for panel in board["panels"]:
            if panel["id"] in ids:
                wrong(f"{path.name} has two panels with id {panel['id']}")
            ids.add(panel["id"])
            targets = panel.get("targets", [])
            if panel["type"] not in ("row", "text") and not targets:
                wrong(f"{path.name}: {panel['title']} asks nothing")
            for target in targets:
                check_expression(f"{path.name}: {panel['title']}", target["expr"], recorded)
                queries += 1
    return len(paths), queries


if AS_RULES in sys.argv:
    print("\n".join(as_rules()))
    sys.exit()
recorded, alerts = check_rules()
boards, queries = check_dashboards(recorded)
if not METRICS or not alerts:
    wrong("there are no metrics or no alerts: this script does not find them")
for problem in problems:
    print(problem, file=sys.stderr)
if problems:
    sys.exit(1)
print(f"{len(alerts)} alerts with pages and tests, {queries} queries in {boards} dashboards, of {len(METRICS)} metrics")
