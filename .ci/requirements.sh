#!/usr/bin/env bash
# docs/requirements.md has every requirement exactly once, in order, and names only places that exist.
set -euo pipefail
cd "$(dirname "$0")/.."
table="${1:-docs/requirements.md}"

# Groups and how many rows each has: 356 in all. DC-23 was never given out.
expected() {
    local group count number
    while read -r group count; do
        for number in $(seq 1 "$count"); do
            [ "$group-$number" = DC-23 ] || printf '%s-%02d\n' "$group" "$number"
        done
    done <<'GROUPS'
MQ 33
ACC 10
CON 11
CAM 13
EVT 13
VXS 10
TXS 22
API 15
SRC 17
PRG 7
KEY 14
MT 7
INT 4
PAC 9
SKL 13
AGT 7
TAP 19
OPT 5
REP 4
CM 16
DC 25
MM 23
BA 17
CG 17
IV 26
GROUPS
}

rows() { grep -E '^\| *[A-Z]{2,3}-[0-9]+ *\|' "$table"; }
field() { awk -F'|' -v n="$1" '{ gsub(/^ +| +$/, "", $n); print $n }'; }

wrong=0
[ "$(expected | wc -l)" -eq 356 ] || { echo "the list in this script has $(expected | wc -l) rows" >&2; wrong=1; }
if ! difference=$(diff <(expected) <(rows | field 2)); then
    echo "$table is not the 356 rows, once each and in order (< missing, > too much):" >&2
    echo "$difference" >&2
    wrong=1
fi

# A place is a path in backquotes; a test is a path, `::` and a name that stands in that file.
while IFS= read -r path; do
    [ -e "$path" ] && continue
    echo "$table names $path, which is not there" >&2
    wrong=1
done < <(rows | field 3 | grep -oE '`[^`]+`' | tr -d '`' | sort -u)
while IFS= read -r test; do
    path=${test%%::*} name=${test##*::}
    [ -e "$path" ] || { echo "$table names the test file $path, which is not there" >&2; wrong=1; continue; }
    [ "$path" = "$name" ] && continue
    grep -qE "(fn|def|function|test\(.) ?$name\b" "$path" || { echo "$path has no test $name" >&2; wrong=1; }
done < <(rows | field 4 | grep -oE '`[^`]+`' | tr -d '`' | sort -u)

# A row is open, or it has a place and a test.
while IFS= read -r row; do
    where=$(echo "$row" | field 3) test=$(echo "$row" | field 4) id=$(echo "$row" | field 2)
    case "$where" in
        'open: later' | 'open: in progress') continue ;;
    esac
    echo "$where" | grep -q '`' && echo "$test" | grep -q '`' && continue
    echo "$id is neither open nor has a place and a test" >&2
    wrong=1
done < <(rows)

[ "$wrong" -eq 0 ] && echo "$(rows | grep -cv 'open:') of 356 requirements have a place and a test"
exit $wrong
