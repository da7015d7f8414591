#!/usr/bin/env bash
# `make run`: a node with the demo configuration and the simulated SMSC behind it, until Ctrl-C.
# PROFILE=release builds for speed instead of for a quick start; CONFIG=FILE takes another configuration.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/environment.sh

profile="${PROFILE:-dev}"
config="${CONFIG:-config/demo.toml}"
folder=$profile
[ "$profile" = dev ] && folder=debug
smsc_address=127.0.0.1:2776

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

for port in 2775 2776 8080 9464; do
    if listens "$port"; then
        echo "port $port of this machine is taken already: is a node still running?" >&2
        exit 1
    fi
done

say "building (profile $profile; the first time takes some minutes)"
cargo build --package signalbox --profile "$profile"
signalbox="$CARGO_TARGET_DIR/$folder/signalbox"
"$signalbox" check --config "$config"

smsc='' node=''
stop() {
    trap - INT TERM EXIT
    # The node first: it drains, and the SMSC still answers what is in its windows.
    end "$node"
    end "$smsc"
}
end() {
    [ -n "$1" ] || return 0
    kill -TERM "$1" 2>/dev/null || return 0
    wait "$1" || true
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Waits until a port answers; fails when the process ends first or 60 s pass.
await() { # port, process, what
    local deadline=$((SECONDS + 60))
    while [ "$SECONDS" -lt "$deadline" ]; do
        listens "$1" && return 0
        kill -0 "$2" 2>/dev/null || { echo "$3 ended" >&2; return 1; }
        sleep 0.1
    done
    echo "$3 does not listen on port $1" >&2
    return 1
}

mkdir -p var
# In sessions of their own, so that Ctrl-C reaches this script alone, which then ends them in order.
say 'starting'
setsid "$signalbox" sim smsc --listen "$smsc_address" >var/smsc-sim.log 2>&1 &
smsc=$!
await 2776 "$smsc" 'the simulated SMSC' || { tail -n 20 var/smsc-sim.log >&2; exit 1; }
setsid "$signalbox" run --config "$config" >var/node.log 2>&1 &
node=$!
await 9464 "$node" 'the node' || { tail -n 20 var/node.log >&2; exit 1; }

python="${SIGNALBOX_PYTHON/#$HOME/\~}"
program="${signalbox/#$HOME/\~}"
cat <<TEXT

Signalbox runs. Logs: var/node.log, var/smsc-sim.log. Ctrl-C drains and stops it.

  SMPP for peers     127.0.0.1:2775    system_id demo, password demo
  HTTP API           127.0.0.1:8080    Authorization: Bearer demo-operator-token
  admin and metrics  127.0.0.1:9464    /live /ready /metrics /log-level /drain /version
  simulated SMSC     $smsc_address    the carrier behind the link smsc-sim

Try, in another terminal:

  $python docs/examples/send.py 447700900123 'Hello from an ESME'
  SIGNALBOX_TOKEN=demo-operator-token $program admin links
  curl -s http://127.0.0.1:9464/metrics | grep -E '^smpp_(requests|link_bound)'
  $python docs/examples/handset.py quiz 41 blue STOP hello START

TEXT
wait "$node"
