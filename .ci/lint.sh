#!/usr/bin/env bash
# Everything that is checked without running the program.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/environment.sh
locked=()
[ "${CI:-}" = true ] && locked=(--locked)

say 'format'
cargo fmt --all --check
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
cargo clippy --quiet --workspace --all-targets --all-features "${locked[@]}" -- -D warnings
say 'documentation'
RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps --all-features "${locked[@]}"
say 'layers'
.ci/layers.sh
say 'dependencies'
.ci/deny.sh
