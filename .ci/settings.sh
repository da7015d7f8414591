#!/usr/bin/env bash
# A setting that nothing reads is a promise that nobody keeps: every field of the settings and of the catalog's rows is
# read somewhere in the node. Coarse (it looks for `.field`), so it finds what was forgotten, not what is misused.
set -euo pipefail
cd "$(dirname "$0")/.."
wrong=0
# Read elsewhere: routes are handed to the router as the rules they are; the place of secrets is read where secrets
# are; the type of a body decides how its template is read.
elsewhere='^(config/src/catalog/route\.rs:|config/src/settings\.rs:secrets$|config/src/catalog/http\.rs:body_type$)'
# Rows of the dialog server, whose readers are being built. A file or field goes from here when its reader is there.
awaited='^config/src/catalog/((campaign|enterprise|extraction|keyword|participation|program|script)\.rs:|(source_address|user|web_service)\.rs:|account\.rs:(parent|channels|quotas|quiet_hours|opt_out_level|time_zone|contacts|running|messages_per_(day|month))$)'
used=$(git ls-files 'engine/node/src/*.rs' | xargs cat | grep -oE '\.[a-z_0-9]+' | sort -u)
while IFS=: read -r file field; do
    [[ "$file:$field" =~ $elsewhere || "$file:$field" =~ $awaited ]] && continue
    grep -qxF ".$field" <<<"$used" && continue
    echo "$file: nothing reads $field" >&2
    wrong=1
done < <(git ls-files 'config/src/settings*' 'config/src/catalog/*' | xargs awk '
    /^settings! \{/ { inside = 1 }
    /^\}/ { inside = 0 }
    inside && match($0, /^        [a-z_0-9]+: /) { name = $1; sub(":", "", name); print FILENAME ":" name }')
exit $wrong
