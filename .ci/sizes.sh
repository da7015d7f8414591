#!/usr/bin/env bash
# A source file is one noun and some 500 lines; over 700 it is two. Tables of data are what they are: they say so in
# a line `// Data table:` among their first lines.
set -euo pipefail
cd "$(dirname "$0")/.."
wrong=0
while IFS= read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -gt 700 ] || continue
    head -n 12 "$file" | grep -q '^// Data table:' && continue
    echo "$file has $lines lines: split it" >&2
    wrong=1
done < <(git ls-files '*.rs' '*.sh' '*.py' '*.js')

# Names that say nothing of what is inside.
if git ls-files '*.rs' | grep -E '(^|/)(utils?|common|managers?|helpers?|misc)(\.rs|/)' >&2; then
    echo 'the files above are named for nothing that is in them' >&2
    wrong=1
fi
exit $wrong
