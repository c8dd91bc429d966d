#!/usr/bin/env python3
"""The price that a set of oracles gives, from the signed history that one's own node holds.

    crdt-node log NODE --json | price.py [--max-age SECONDS] --quorum COUNT PAIR KEY KEY KEY ...

A KEY is what `crdt-node whoami` prints: only these count, each with the last that it signed about the
pair. Who is exposed as an equivocator does not count. Prints the lower median, or says what is missing and exits with 1.
With a quorum of 2f + 1 and at most f liars the median lies between prices of honest oracles.
"""
import argparse, json, sys, time

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--max-age", type=int, default=60)
parser.add_argument("--quorum", type=int, required=True)
parser.add_argument("pair")
parser.add_argument("keys", nargs="+")
given = parser.parse_args()

last, exposed, now = {}, set(), time.time()
for line in sys.stdin:
    change = json.loads(line)
    author = change["author"]
    if author not in given.keys:
        continue
    if change["forked"]:
        exposed.add(author)
    for transaction in change["transactions"]:
        if transaction["to"] == given.pair:
            last[author] = ((change["time"] or 0) / 1000, transaction["amount"])

# An oracle's clock may be fast by 15 seconds.
fresh = [
    amount
    for author, (said, amount) in last.items()
    if author not in exposed and now - given.max_age <= said <= now + 15
]
if len(fresh) < given.quorum:
    sys.exit(f"{len(fresh)} oracles have a fresh price for {given.pair}, {given.quorum} are wanted")
print(json.dumps({"pair": given.pair, "price": sorted(fresh)[(len(fresh) - 1) // 2], "oracles": len(fresh)}))
