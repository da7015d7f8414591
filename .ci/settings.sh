#!/usr/bin/env bash
# A setting that nothing reads is a promise that nobody keeps: every field of the settings and of the catalog's rows is
# named somewhere in the program. Coarse (it looks for `.field`), so it finds what was forgotten, not what is misused.
set -euo pipefail
cd "$(dirname "$0")/.."
wrong=0
used=$(cat $(git ls-files 'engine/**/*.rs' 'perf/**/*.rs') | grep -oE '\.[a-z_0-9]+|\{ ?[a-z_0-9, ]+' | grep -oE '[a-z_0-9]+' | sort -u)
while IFS=: read -r file field; do
    grep -qxF "$field" <<<"$used" && continue
    echo "$file: nothing reads $field" >&2
    wrong=1
done < <(git ls-files 'config/src/settings*' 'config/src/catalog/*' | xargs awk '
    /^settings! \{/ { inside = 1 }
    /^\}/ { inside = 0 }
    inside && match($0, /^        [a-z_0-9]+: /) { name = $1; sub(":", "", name); print FILENAME ":" name }')
exit $wrong
