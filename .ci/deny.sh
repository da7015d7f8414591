#!/usr/bin/env bash
# Bans, licences and sources of dependencies (deny.toml); advisories where their database can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/environment.sh

if ! command -v cargo-deny >/dev/null 2>&1; then
    echo 'ATTENTION: cargo-deny is not installed, so bans, licences and sources are NOT checked' >&2
    exit 0
fi
cargo deny --offline --log-level error check --hide-inclusion-graph bans licenses sources
if timeout 60 cargo deny --log-level error fetch db >/dev/null 2>&1; then
    cargo deny --log-level error check --hide-inclusion-graph advisories
else
    echo 'the database of advisories cannot be reached from here: not checked'
fi
