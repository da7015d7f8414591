#!/usr/bin/env bash
# The layers of docs/ARCHITECTURE.md hold: pure crates stay pure, and dependencies point one way.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/environment.sh
wrong=0

depends() { cargo tree --quiet --offline --edges normal --prefix none --package "$1" | sed 's/ .*//' | sort -u; }

forbid() { # package, pattern of dependencies, why
    local found
    found=$(depends "$1" | grep -xE "$2" | tr '\n' ' ') || true
    [ -z "$found" ] && return 0
    echo "$1 depends on $found: $3" >&2
    wrong=1
}

io='tokio|tokio-.*|mio|async-std|socket2|hyper|reqwest|axum|ractor|rusqlite'
for package in signalbox-text signalbox-smpp; do
    forbid "$package" "$io" 'codecs and protocols do no I/O'
    forbid "$package" 'signalbox|signalbox-(core|consent|participation|backends|config|counters|routing|sim)' 'codecs and protocols know no engine'
done
for package in signalbox-core signalbox-consent signalbox-counters signalbox-routing signalbox-invocation signalbox-flow signalbox-programs signalbox-participation; do
    forbid "$package" "$io" 'the domain does no I/O'
    forbid "$package" 'signalbox|signalbox-(smpp|backends|config|sim)' 'the domain knows no protocol and no backend'
done
forbid signalbox-script 'signalbox|signalbox-(smpp|core|backends|config|sim)|ractor' 'scripts know what they are given alone'
forbid signalbox-backends 'signalbox|signalbox-(smpp|sim)|tokio|ractor' 'backends know the traits of the domain alone'
forbid signalbox-people 'signalbox|signalbox-(smpp|backends|config|sim)|ractor|axum|rusqlite' 'people are rows, known to no protocol'
forbid signalbox-sql 'signalbox|signalbox-(text|core|smpp|backends|people|catalog|config|sim)|ractor|axum|rusqlite' 'databases know no tables'
forbid signalbox-catalog 'signalbox|signalbox-(smpp|backends|people|config|sim)|ractor|axum|rusqlite' 'the catalog is rows, whose types others know'
forbid signalbox-config 'signalbox|signalbox-(backends|smpp|sim)|tokio|ractor' 'settings know nothing of what reads them'

# Time and chance are given to the pure crates, never taken (rule 10).
clock='(Instant|SystemTime|Timestamp|Zoned)::now|rand::rng\(|thread_rng|getrandom'
for folder in codecs/text protocols/smpp engine/core engine/consent engine/counters engine/routing engine/invocation engine/flow engine/participation engine/sql engine/catalog engine/people engine/programs engine/sim; do
    found=$(grep -rnE "$clock" "$folder/src" --include='*.rs' | grep -vE ':[0-9]+:\s*//' || true)
    [ -z "$found" ] && continue
    echo "$found" >&2
    echo "$folder takes the time or chance from its surroundings: let them be given" >&2
    wrong=1
done
exit $wrong
