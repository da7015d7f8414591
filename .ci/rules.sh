#!/usr/bin/env bash
# The rules of config/prometheus and the dashboards of config/grafana: names of metrics, labels, alerts and pages always; what they do where promtool is.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/environment.sh

python3 .ci/metrics.py
if ! command -v promtool >/dev/null 2>&1; then
    echo 'ATTENTION: promtool is not installed, so the rules of config/prometheus are NOT tested (make deps installs it)' >&2
    exit 0
fi
quiet() {
    local said
    said=$("$@" 2>&1) && return 0
    echo "$said" >&2
    return 1
}
queries=$(mktemp)
trap 'rm -f "$queries"' EXIT
python3 .ci/metrics.py --dashboards-as-rules >"$queries"
quiet promtool check rules "$queries"
cd config/prometheus
quiet promtool check config prometheus.yml
quiet promtool test rules tests/*.yml
echo "$(grep -c 'eval_time' tests/*.yml | awk -F: '{ n += $2 } END { print n }') looks at alerts in the tests of the rules"
