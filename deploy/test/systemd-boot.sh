#!/usr/bin/env bash
# Boots systemd in a container of its own (systemd-nspawn on a debootstrap, as root) and runs the unit there: beside
# NATS with the users of deploy/nats and the simulated contact center, started, killed, stopped, and given bad settings.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
command -v systemd-nspawn >/dev/null || missing+=(systemd-container)
command -v debootstrap >/dev/null || missing+=(debootstrap)
[ ${#missing[@]} -eq 0 ] || .ci/install "${missing[@]}"

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root" # it becomes /, which the service's user has to enter
debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus bookworm "$root" >"$root.log" 2>&1 ||
    { tail -n 5 "$root.log" >&2; exit 1; }
rm "$root.log"

CGO_ENABLED=0 go build -o "$root/usr/local/bin/" ./cmd/cc-connector ./cmd/ccsim github.com/nats-io/nats-server/v2
install -D -m 644 deploy/systemd/cc-connector.service "$root/etc/systemd/system/cc-connector.service"
install -D -m 600 deploy/systemd/cc-connector.env "$root/etc/cc-connector/cc-connector.env"
install -D -m 644 deploy/nats/users.conf "$root/etc/nats/users.conf"
install -m 755 deploy/test/systemd-guest.sh "$root/usr/local/bin/guest"
cat >"$root/etc/systemd/system/guest.service" <<'UNIT'
[Unit]
Description=The test of cc-connector.service
[Service]
ExecStart=/usr/local/bin/guest
ExecStopPost=/bin/systemctl poweroff --no-block
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../guest.service "$root/etc/systemd/system/multi-user.target.wants/"

timeout 120 systemd-nspawn --quiet --register=no --keep-unit --private-network --boot --directory="$root" >"$root/console" 2>&1 || true
if ! grep -q 'Reached target' "$root/console"; then
    tail -n 5 "$root/console" >&2
    echo 'systemd cannot be booted in a container here: the unit was verified, but not run' >&2
    exit 0
fi
cat "$root/result"
grep -qx 'passed' "$root/result"
