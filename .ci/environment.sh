# Where builds and peers are kept; sourced by the other scripts. Nothing of it is in the checkout, so that a fresh
# clone finds what an earlier one built.
# shellcheck shell=bash

SIGNALBOX_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/signalbox"
export SIGNALBOX_CACHE
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$SIGNALBOX_CACHE/target}"
# The peers that tests run against: Python with an SMPP library, and the folder of Node's packages.
export SIGNALBOX_PYTHON="$SIGNALBOX_CACHE/python/bin/python"
export SIGNALBOX_NODE_MODULES="$SIGNALBOX_CACHE/node/node_modules"
export PATH="$PATH:$HOME/.cargo/bin:$SIGNALBOX_CACHE/tools/bin:/usr/sbin"

if [ "${CI:-}" = true ]; then
    # Incremental builds cost more than they save in a run that builds each crate once.
    export CARGO_INCREMENTAL=0
fi

say() { printf '\n== %s\n' "$*"; }
