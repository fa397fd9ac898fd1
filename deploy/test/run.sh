#!/usr/bin/env bash
# Tests docker-compose.yml. Where Docker runs, that is all; where none does and no image can be pulled, this brings an
# engine and stand-ins for the images along: on Debian, as root.
#
# The engine lives in namespaces of its own (network, mounts, processes), which end with it, in whatever way it ends.
# Build caches stay.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)

if docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then
    exec go -C "$repo" test -tags docker -count=1 -timeout 20m "$@" ./deploy/test
fi
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "$0: start Docker, or run this as root on Debian" >&2
    exit 1
fi
export PATH=/usr/bin:/usr/sbin:$PATH # Debian's docker fits Debian's dockerd

packages="docker.io iptables iproute2 busybox-static ca-certificates prometheus"
# shellcheck disable=SC2086 # a list
"$repo/.ci/install" $packages

work=$(mktemp -d -t cc-connector-compose-XXXXXX)
clean() {
    find /sys/fs/cgroup -depth -type d -path "*/$(basename "$work")*" -exec rmdir {} + 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT

# What needs a network is done before there is none.
mkdir -p "$work/docker/cli-plugins"
go -C "$here/compose-plugin" build -o "$work/docker/cli-plugins/docker-compose" github.com/docker/compose/v2/cmd
go -C "$repo" test -c -tags docker -o "$work/compose.test" ./deploy/test
"$here/standins.sh" "$repo" "$work/standins"

cd "$here"
timeout --signal KILL 660 unshare --net --mount --pid --fork --mount-proc --kill-child \
    timeout 600 "$here/engine.sh" "$work" "$work/compose.test" -test.v -test.timeout 9m "$@"
