#!/usr/bin/env bash
# Brings docker-compose.yml up on a machine that has no Docker and can pull no image, and tests it: on Debian, as root.
# Where Docker and a registry are at hand, the tests run by themselves: go test -tags docker ./deploy/test
#
# Everything happens in namespaces of its own (network, mounts, processes). What is left at the end, in whatever way
# it comes, is one folder in $TMPDIR less.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
export PATH=/usr/bin:/usr/sbin:$PATH # Debian's docker fits Debian's dockerd

packages="docker.io iptables iproute2 busybox-static ca-certificates prometheus"
# shellcheck disable=SC2086 # a list
if ! dpkg-query -W $packages >/dev/null 2>&1; then
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $packages
fi

work=$(mktemp -d -t cc-connector-compose-XXXXXX)
trap 'rm -rf "$work"' EXIT

# What needs a network is done before there is none.
mkdir -p "$work/docker/cli-plugins"
go -C "$here/compose-plugin" build -o "$work/docker/cli-plugins/docker-compose" github.com/docker/compose/v2/cmd
go -C "$repo" test -c -tags docker -o "$work/compose.test" ./deploy/test
"$here/standins.sh" "$repo" "$work/standins"

cd "$here"
unshare --net --mount --pid --fork --mount-proc --kill-child \
    timeout 600 "$here/engine.sh" "$work" "$work/compose.test" -test.v -test.timeout 9m "$@"
