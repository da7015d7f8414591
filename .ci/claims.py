#!/usr/bin/env python3
"""Files and tests that docs/interfaces/smpp.md names are there: a statement whose proof is gone is no statement.

A claim's proof stands in backquotes: a path to a file, or `path::test`. The document says itself how paths are
shortened (`links` is `engine/node/tests/node/links/`). A test without a path is of the file named before it, and
a path that starts nowhere is beside the file named before it.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCUMENT = "docs/interfaces/smpp.md"

text = (ROOT / DOCUMENT).read_text()
short = dict(re.findall(r"`(\w+)`\s+is\s+`([^`]+/)`", text))
problems, proofs, last = [], 0, None


def has(path, test):
    return re.search(rf"\bfn {test}\(", path.read_text())


for quoted in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S)):
    named = re.fullmatch(r"([\w/.]+\.rs)(?:::(\w+))?", quoted)
    if named:
        given, test = named.groups()
        first, _, rest = given.partition("/")
        path = ROOT / (short[first] + rest if first in short and rest else given)
        if not path.exists() and last:
            path = last.parent / given
        if not path.exists():
            problems.append(f"{DOCUMENT} names {given}, which is not there")
            continue
        last, proofs = path, proofs + 1
        if test and not has(path, test):
            problems.append(f"{DOCUMENT} names the test {test}, which is not in {path.relative_to(ROOT)}")
    elif last and re.fullmatch(r"[a-z]\w*(_\w+){3,}", quoted):
        proofs += 1
        if not has(last, quoted):
            problems.append(f"{DOCUMENT} names the test {quoted}, which is not in {last.relative_to(ROOT)}")

if not short or not proofs:
    problems.append(f"no proofs are found in {DOCUMENT}: this script does not read it as it is written")
for problem in problems:
    print(problem, file=sys.stderr)
if problems:
    sys.exit(1)
print(f"{proofs} files and tests named in {DOCUMENT} are there")
