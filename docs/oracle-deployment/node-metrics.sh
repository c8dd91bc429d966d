#!/bin/sh
# What the textfile collector of node_exporter reads of a node: node-metrics.sh NAME > NAME.prom
set -eu
crdt-node status "$1" --json | jq --raw-output '
  "oracle_node_" + (
    "running \(if .running then 1 else 0 end)",
    "relays_synced \([.relays[] | select(.state == "synced")] | length)",
    "changes \(.changes)",
    "unacknowledged \(.unacknowledged)",
    "pending_bytes \(.pending.bytes)",
    "forks \(.faults.forks | length)"
  ) | sub(" "; "{node=\"'"$1"'\"} ")'
