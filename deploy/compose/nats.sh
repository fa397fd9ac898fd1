#!/bin/sh
# Starts NATS with the passwords of its users in the environment, where users.conf looks for them: that of the user
# cc-connector is the file /run/secrets/cc-connector, and the variable CC_CONNECTOR_PASSWORD.
# They are quoted, or NATS would take one of digits for a number.
set -eu
for file in /run/secrets/cc-*; do
    password=$(cat "$file") || { echo "$file cannot be read: see deploy/compose/secrets/README.md" >&2; exit 1; }
    [ -n "$password" ] || { echo "$file is empty: write a password into deploy/compose/secrets/${file##*/}" >&2; exit 1; }
    variable=$(echo "${file##*/}" | tr a-z- A-Z_)_PASSWORD
    export "$variable=\"$password\""
done
exec nats-server --config /etc/nats/nats.conf
