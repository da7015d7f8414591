#!/usr/bin/env bash
# Everything that is checked without running the program.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/environment.sh
locked=()
[ "${CI:-}" = true ] && locked=(--locked)

# Where a machine lacks a tool, that is said loudly, and the rest is checked all the same.
has() {
    if cargo "$1" --version >/dev/null 2>&1; then return 0; fi
    say "ATTENTION: NOT CHECKED: cargo $1 is missing on this machine"
    return 1
}

say 'format'
if has fmt; then cargo fmt --all --check; fi
say 'sizes and names'
.ci/sizes.sh
say 'documents'
.ci/links.sh
.ci/claims.py
say 'settings'
.ci/settings.sh
say 'requirements'
.ci/requirements.sh
say 'rules, dashboards and runbooks'
.ci/rules.sh
say 'clippy'
if has clippy; then
    cargo clippy --quiet --workspace --all-targets --all-features "${locked[@]}" -- -D warnings
fi
say 'documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps --all-features "${locked[@]}"
say 'layers'
.ci/layers.sh
say 'dependencies'
.ci/deny.sh
