"""Follows a running node, and sends one transaction: client.py ~/.side/alice/control.sock "alice -> bob 10 lunch"."""
import json, socket, sys

if len(sys.argv) != 3:
    print("usage: client.py ~/.side/NAME/control.sock TRANSACTION", file=sys.stderr)
    sys.exit(2)
node = socket.socket(socket.AF_UNIX)
node.connect(sys.argv[1])
lines = node.makefile("rw", encoding="utf-8", newline="\n")
print(json.dumps({"id": 1, "method": "subscribe", "params": {"view": True}}), file=lines)
print(json.dumps({"id": 2, "method": "send", "params": {"transactions": [sys.argv[2]]}}), file=lines, flush=True)
for line in lines:
    reply = json.loads(line)
    if "error" in reply:
        sys.exit(f"{reply['error']['code']}: {reply['error']['what']}")
    print(reply, flush=True)
