#!/bin/sh
# What the textfile collector of node_exporter reads of a node:
#
#   node-metrics.sh NAME [FILE]
#
# Into FILE, which is never half written, else on stdout. How much is unacknowledged only a running node knows.
set -eu
if [ $# -eq 2 ]; then
  sh "$0" "$1" > "$2.new"
  exec mv "$2.new" "$2"
fi
crdt-node status "$1" --json | jq --raw-output '
  "oracle_node_" + (
    "running \(if .running then 1 else 0 end)",
    "relays_synced \([.relays[] | select(.state == "synced")] | length)",
    "changes \(.changes)",
    (.unacknowledged | values | "unacknowledged \(.)"),
    "pending_bytes \(.pending.bytes)",
    "forks \(.faults.forks | length)"
  ) | sub(" "; "{node=\"'"$1"'\"} ")'
