#!/usr/bin/env bash
# Installs what a bare Debian 12 with Rust lacks for building, testing and trying Signalbox. What is there already is
# left alone, so that a second run takes a moment. Debian's packages come by apt-get (by sudo where this is not root),
# the peers of tests by pip into an environment of their own and by npm into a folder of their own, both in the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/environment.sh

has() { command -v "$1" >/dev/null 2>&1; }
installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -q '^installed$'; }

debian_packages() {
    has cc && has make || echo build-essential
    has pkg-config || echo pkg-config
    has git || echo git
    has curl || echo curl
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    # Debian's own Python: others may lack ensurepip.
    [ -x /usr/bin/python3 ] && installed python3-venv || echo python3-venv
    has node || echo nodejs
    has npm || echo npm
    # The peers of tests: a gateway with its test tools.
    has bearerbox || echo kannel
    [ -x /usr/lib/kannel/test/fakesmsc ] || echo kannel-extras
    # Its promtool checks and tests the rules in config/prometheus.
    has promtool || echo prometheus
    # The server that the database of people is tested on.
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
}

install_debian_packages() {
    local packages as_root=()
    mapfile -t packages < <(debian_packages)
    [ "${#packages[@]}" -gt 0 ] || return 0
    if ! has apt-get; then
        echo "missing here: ${packages[*]} (names of Debian's packages); this system has no apt-get, install them by hand" >&2
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        has sudo || { echo "as root, please: apt-get install ${packages[*]}" >&2; exit 1; }
        as_root=(sudo)
    fi
    say "installing from Debian${as_root:+ by sudo}: ${packages[*]}"
    # Packages of servers start them when they are installed, unless this file says no.
    local policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        # shellcheck disable=SC2064
        trap "${as_root[*]} rm -f $policy" EXIT
    fi
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "${packages[@]}" >"$SIGNALBOX_CACHE/apt.log" 2>&1 \
        || { tail -n 30 "$SIGNALBOX_CACHE/apt.log" >&2; exit 1; }
}

# Runs a command when a list of wanted things or the place they go to changed since the last run that went well.
when_changed() { # stamp, list, command...
    local stamp="$1" list="$2"
    shift 2
    if cmp -s "$list" "$stamp"; then return 0; fi
    "$@"
    cp "$list" "$stamp"
}

install_python_peers() {
    say "installing Python packages: $(tr '\n' ' ' <.ci/peers/requirements.txt)"
    rm -rf "$SIGNALBOX_CACHE/python"
    /usr/bin/python3 -m venv "$SIGNALBOX_CACHE/python"
    "$SIGNALBOX_PYTHON" -m pip install --quiet --disable-pip-version-check -r .ci/peers/requirements.txt
}

install_node_peers() {
    say "installing Node packages: $(sed -n '/dependencies/,/}/s/^ *"\(.*\)": "\(.*\)".*/\1 \2/p' .ci/peers/package.json)"
    rm -rf "$SIGNALBOX_CACHE/node"
    mkdir -p "$SIGNALBOX_CACHE/node"
    cp .ci/peers/package.json "$SIGNALBOX_CACHE/node/"
    (cd "$SIGNALBOX_CACHE/node" && npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts)
}

rust_components() {
    if ! has cargo; then
        echo "cargo is missing: install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer first" >&2
        exit 1
    fi
    local component
    for component in rustfmt clippy; do
        local tool=$component
        [ "$component" = clippy ] && tool=cargo-clippy
        has "$tool" && "$tool" --version >/dev/null 2>&1 && continue
        if has rustup && rustup component add "$component" >/dev/null 2>&1; then
            say "added the Rust component $component"
        else
            say "ATTENTION: $component is missing and cannot be added here; \`make lint\` will go on without it"
        fi
    done
    has cargo-deny || echo "cargo-deny is not installed: bans, licences and sources are not checked" \
        "(cargo install cargo-deny --locked --root $SIGNALBOX_CACHE/tools takes some 4 minutes of two cores)"
}

mkdir -p "$SIGNALBOX_CACHE"
# Two checkouts that install at the same time would spoil each other's folders.
exec 9>"$SIGNALBOX_CACHE/deps.lock"
flock 9
install_debian_packages
[ -x "$SIGNALBOX_PYTHON" ] || rm -f "$SIGNALBOX_CACHE/python.stamp"
when_changed "$SIGNALBOX_CACHE/python.stamp" .ci/peers/requirements.txt install_python_peers
[ -d "$SIGNALBOX_NODE_MODULES/smpp" ] || rm -f "$SIGNALBOX_CACHE/node.stamp"
when_changed "$SIGNALBOX_CACHE/node.stamp" .ci/peers/package.json install_node_peers
rust_components
