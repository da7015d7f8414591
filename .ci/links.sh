#!/usr/bin/env bash
# Links between documents lead somewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
wrong=0
while IFS= read -r document; do
    while IFS= read -r link; do
        case "$link" in *://* | '#'* | mailto:*) continue ;; esac
        [ -e "$(dirname "$document")/${link%%#*}" ] && continue
        echo "$document links to $link, which is not there" >&2
        wrong=1
    done < <(grep -oE '\]\([^) ]+\)' "$document" | sed 's/^](//; s/)$//')
done < <(git ls-files '*.md')
exit $wrong
