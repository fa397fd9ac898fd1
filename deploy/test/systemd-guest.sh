#!/bin/bash
# What systemd-boot.sh runs within the container; /result tells how it went.
set -euo pipefail
exec >/result 2>&1
trap 'echo "failed at line $LINENO"; systemctl status --no-pager cc-connector; journalctl --no-pager -u cc-connector | tail -n 30' ERR

# await COMMAND…: until it succeeds, for half a minute.
await() {
    local deadline=$((SECONDS + 30))
    until "$@" >/dev/null 2>&1; do
        [ $SECONDS -lt $deadline ] || { echo "in vain: $*"; return 1; }
        sleep 0.1
    done
}
shows() { [ "$(systemctl show --value -p "$1" cc-connector)" = "$2" ]; }
ready() { cc-connector health; }

ip link set lo up 2>/dev/null || true
cd /etc/nats
grep -o 'CC_[A-Z_]*_PASSWORD' users.conf | sort -u | sed 's/$/: "a-password"/' >passwords.conf
printf 'jetstream { store_dir: /var/lib/nats }\nauthorization { include "users.conf" }\n' >nats.conf
nats-server -c nats.conf >/var/log/nats.log 2>&1 &
ccsim >/var/log/ccsim.log 2>&1 &

cd /etc/cc-connector
sed -i 's|^CC_BASE_URL=.*|CC_BASE_URL=http://127.0.0.1:8090|; s|^#CC_TENANT_URL=.*|CC_TENANT_URL=demo.example|' cc-connector.env
systemctl daemon-reload

if systemctl start cc-connector 2>/dev/null; then
    echo 'it starts without the password file'
    exit 1
fi
echo 'ok: a missing password file stops the start'

printf 'a-password\n' >nats-password
chmod 600 nats-password
systemctl restart cc-connector
await ready
echo 'ok: ready, as the user of NATS with the least permissions'

pid=$(systemctl show --value -p MainPID cc-connector)
! grep -q '^Uid:.0' "/proc/$pid/status"
grep -q '^CapBnd:.0*$' "/proc/$pid/status"
grep -q '^NoNewPrivs:.1$' "/proc/$pid/status"
grep -q '^Seccomp:.2$' "/proc/$pid/status"
echo 'ok: no root, no capabilities, system calls filtered'

kill -9 "$pid"
await shows NRestarts 1
await ready
echo 'ok: started again after kill -9'

systemctl stop cc-connector
shows Result success && shows ExecMainStatus 0
echo 'ok: left with exit code 0'

echo 'CC_LOG_LEVEL=loud' >>cc-connector.env
systemctl start cc-connector || true # it may have ended before systemd looks
await shows ExecMainStatus 2
await shows ActiveState failed # it would be "activating" if systemd were to start it again
echo 'ok: bad settings are not tried again'
echo passed
