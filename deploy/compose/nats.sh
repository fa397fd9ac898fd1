#!/bin/sh
# Starts NATS with its users' passwords in the environment, where its configuration looks for them.
# Quoted: the configuration would take a password of digits for a number.
set -eu
for user in connector commander consumer; do
    file=/run/secrets/$user-password
    password=$(cat "$file") || { echo "$file cannot be read: see deploy/compose/secrets/README.md" >&2; exit 1; }
    [ -n "$password" ] || { echo "$file is empty: write the password of the NATS user $user into it" >&2; exit 1; }
    export "$(echo "${user}_password" | tr a-z A-Z)=\"$password\""
done
exec nats-server --config /etc/nats/nats.conf
