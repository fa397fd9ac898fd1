#!/usr/bin/env bash
# Makes root file systems that stand in for the images that docker-compose.yml and deploy/Dockerfile name: the same
# programs and the same places, as far as our files use them. Their names are read from there, so that they stay true.
set -euo pipefail
repo=$1
out=$2

# image NAME FOLDER [SETTING…] describes an image to "docker import".
image() {
    local name=$1 folder=$2 setting
    shift 2
    {
        for setting in 'ENV PATH=/usr/local/go/bin:/usr/local/bin:/bin' "$@"; do printf -- '--change\n%s\n' "$setting"; done
        printf -- '-\n%s\n' "$name"
    } >"$out/$folder.settings"
}

# named prints the image that docker-compose.yml takes of this repository.
named() { sed -n "s|^ *image: *\($1:.*\)|\1|p" "$repo/docker-compose.yml"; }

shell() {
    mkdir -p "$out/$1/bin" "$out/$1/tmp" "$out/$1/root" "$out/$1/etc/ssl/certs" "$out/$1/usr/local/bin"
    cp /bin/busybox "$out/$1/bin/"
    for applet in $(/bin/busybox --list); do [ "$applet" = busybox ] || ln -s busybox "$out/$1/bin/$applet"; done
    cp /etc/ssl/certs/ca-certificates.crt "$out/$1/etc/ssl/certs/"
    printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$out/$1/etc/passwd"
}

# Go with the modules that go.mod names, as it would have got them from a module proxy.
golang() {
    shell golang
    local goroot
    goroot=$(go env GOROOT)
    mkdir -p "$out/golang/usr/local/go/pkg" "$out/golang/go"
    cp -r "$goroot/bin" "$goroot/lib" "$goroot/go.env" "$goroot/VERSION" "$out/golang/usr/local/go/"
    cp -r "$goroot/pkg/include" "$goroot/pkg/tool" "$out/golang/usr/local/go/pkg/"
    tar -C "$goroot" --exclude=testdata --exclude='*_test.go' --exclude=src/cmd -c src | tar -C "$out/golang/usr/local/go" -x
    GOMODCACHE="$out/modules" go -C "$repo" mod download
    mv "$out/modules/cache/download" "$out/golang/go/proxy"
    chmod -R u+w "$out/modules" && rm -r "$out/modules"
    warm
    image "golang:$(sed -n 's/^ARG GO_VERSION=//p' "$repo/deploy/Dockerfile")-alpine" golang \
        'ENV GOPROXY=file:///go/proxy' 'ENV GOPATH=/go' 'ENV GOTOOLCHAIN=local' 'ENV GOFLAGS=-buildvcs=false'
}

# The first build in the image is no first one: what it compiles is kept between runs of this script.
warm() {
    local cache=${XDG_CACHE_HOME:-$HOME/.cache}/cc-connector-compose-test
    CGO_ENABLED=0 GOCACHE=$cache GOFLAGS= go -C "$repo" build -trimpath -buildvcs=false -tags timetzdata -o "$out/warm/" ./cmd/...
    rm -r "$out/warm"
    mkdir -p "$out/golang/root/.cache"
    cp -r "$cache" "$out/golang/root/.cache/go-build"
}

nats() {
    shell nats
    CGO_ENABLED=0 go -C "$repo" build -o "$out/nats/usr/local/bin/nats-server" github.com/nats-io/nats-server/v2
    image "$(named nats)" nats
}

# Prometheus is Debian's, with the libraries that it needs.
prometheus() {
    shell prometheus
    local file
    for file in /usr/bin/prometheus $(ldd /usr/bin/prometheus | grep -o '/[^ ]*'); do
        mkdir -p "$out/prometheus$(dirname "$file")"
        cp -L "$file" "$out/prometheus$file"
    done
    mv "$out/prometheus/usr/bin/prometheus" "$out/prometheus/bin/"
    mkdir "$out/prometheus/prometheus" "$out/prometheus/etc/prometheus"
    chown 65534:65534 "$out/prometheus/prometheus"
    image "$(named prom/prometheus)" prometheus 'ENTRYPOINT ["/bin/prometheus"]' 'USER nobody' 'VOLUME /prometheus' 'WORKDIR /prometheus'
}

# The exporter is one metric of the NATS whose address it is given last.
exporter() {
    shell exporter
    cat >"$out/exporter/bin/exporter" <<'SH'
#!/bin/sh
for url in "$@"; do export URL=$url; done
exec nc -ll -p 7777 -e /bin/answer
SH
    cat >"$out/exporter/bin/answer" <<'SH'
#!/bin/sh
while read -r line && [ "${#line}" -gt 1 ]; do :; done
printf 'HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n'
wget -q -O - "$URL/varz" | sed -n 's/^ *"connections": *\([0-9]*\).*/gnatsd_varz_connections \1/p'
SH
    chmod +x "$out/exporter/bin/exporter" "$out/exporter/bin/answer"
    image "$(named natsio/prometheus-nats-exporter)" exporter 'ENTRYPOINT ["/bin/exporter"]'
}

mkdir -p "$out"
golang
nats
prometheus
exporter
