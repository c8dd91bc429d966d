#!/bin/sh
# For certbot (--deploy-hook): has a relay that speaks TLS itself read the new certificate. Whoever is connected stays.
set -eu
install -m 640 -g relay-tls "$RENEWED_LINEAGE/privkey.pem" /etc/crdt-relayer/key.pem
install -m 644 "$RENEWED_LINEAGE/fullchain.pem" /etc/crdt-relayer/chain.pem
# Nothing, while it does not run.
systemctl try-reload-or-restart crdt-relayer
