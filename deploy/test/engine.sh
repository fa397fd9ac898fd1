#!/usr/bin/env bash
# Starts a container engine in the namespaces that run.sh made, gives it the stand-ins, and runs the given command.
set -euo pipefail
work=$1
shift
export DOCKER_HOST=unix://$work/docker.sock DOCKER_CONFIG=$work/docker DOCKER_BUILDKIT=0

ip link set lo up
dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/pid" \
    --cgroup-parent "/$(basename "$work")" -H "$DOCKER_HOST" >"$work/dockerd.log" 2>&1 &
dockerd=$!
trap 'kill $dockerd; wait $dockerd || true' EXIT

for _ in $(seq 60); do
    docker version >/dev/null 2>&1 && break
    kill -0 $dockerd 2>/dev/null || break
    sleep 0.5
done
docker version >/dev/null || { echo 'dockerd does not start:'; tail -n 30 "$work/dockerd.log"; exit 1; } >&2

# An image is a folder with its root file system, and a file beside it with its name and settings.
for root in "$work"/standins/*/; do
    mapfile -t settings <"${root%/}.settings"
    tar -C "$root" -c . | docker import "${settings[@]}" >/dev/null
done
"$@"
