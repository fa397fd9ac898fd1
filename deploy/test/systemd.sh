#!/usr/bin/env bash
# Checks the systemd unit: that systemd can read it, and how much of the system it leaves open (0 none, 100 all).
set -euo pipefail
cd "$(dirname "$0")/../systemd"
threshold=11

command -v systemd-analyze >/dev/null || ../../.ci/install systemd

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The program need not be installed where this runs.
sed 's|^ExecStart=/usr/local/bin/cc-connector|ExecStart=/bin/true|' cc-connector.service >"$dir/cc-connector.service"
said=$(systemd-analyze verify --man=no --recursive-errors=no "$dir/cc-connector.service" 2>&1) || { printf '%s\n' "$said" >&2; exit 1; }
if grep -F cc-connector.service <<<"$said" >&2; then # what is not known is only a warning to systemd
    exit 1
fi
if ! systemd-analyze security --offline=true --no-pager --threshold=$threshold "$dir/cc-connector.service" >"$dir/report"; then
    cat "$dir/report" >&2
    echo "deploy/systemd/cc-connector.service leaves more of the system open than $threshold" >&2
    exit 1
fi
tail -n 1 "$dir/report"
