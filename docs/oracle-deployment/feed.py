#!/usr/bin/env python3
"""Asks sources for a price and has a running node sign the median.

    feed.py [--metrics FILE] [--least COUNT] NODE PAIR SOURCE SOURCE SOURCE ...

A source is URL#PATH: where to ask, and where in the JSON of the answer the price stands, as in
https://api.example/v2/prices/ETH-USD/spot#data.amount. Sources that fail, or are more than a
twentieth away from the median, do not count; with fewer than COUNT (3) left nothing is sent.

Exit codes: 0 signed and stored, 1 not sent, 2 usage. Python 3 and its standard library.
"""
import argparse, concurrent.futures, decimal, json, os, socket, sys, time, urllib.request

SECONDS, MOST_BYTES, MOST_PRICE = 5, 1 << 20, 10**9


def ask(source):
    """The price that one source gives; an exception when it gives none."""
    url, _, path = source.partition("#")
    with urllib.request.urlopen(url, timeout=SECONDS) as answer:
        value = json.loads(answer.read(MOST_BYTES), parse_float=decimal.Decimal)
    for name in filter(None, path.split(".")):
        value = value[int(name)] if isinstance(value, list) else value[name]
    price = decimal.Decimal(str(value)).quantize(decimal.Decimal("0.000001"))
    if not 0 < price < MOST_PRICE:
        raise ValueError(f"{value} is no price")
    return price


def answers(sources):
    """The prices of the sources that answered, by source."""
    prices = {}
    with concurrent.futures.ThreadPoolExecutor(len(sources)) as pool:
        for source, asked in [(source, pool.submit(ask, source)) for source in sources]:
            try:
                prices[source] = asked.result()
            except Exception as error:  # whatever a stranger's server answers
                print(f"{source}: {error!r}", file=sys.stderr)
    return prices


def median(prices):
    """The lower median."""
    return sorted(prices)[(len(prices) - 1) // 2]


def connected(node):
    """A socket to the running node; one that has just been started is waited for."""
    folder = os.path.join(os.environ.get("SIDE_HOME") or os.path.expanduser("~/.side"), node)
    end = time.monotonic() + SECONDS
    while True:
        path = os.path.join(folder, "control.sock")
        control = socket.socket(socket.AF_UNIX)
        control.settimeout(SECONDS)
        try:
            if os.path.exists(os.path.join(folder, "control.path")):
                path = open(os.path.join(folder, "control.path"), encoding="utf-8").read().strip()
            control.connect(path)
            return control
        except OSError as error:
            control.close()
            if time.monotonic() > end:
                sys.exit(f"{node} does not run: {path}: {error.strerror}")
        time.sleep(0.1)


def send(node, transaction):
    """Whether a relay has acknowledged it; it is signed and on this disk when this returns."""
    with connected(node) as control:
        lines = control.makefile("rw", encoding="utf-8", newline="\n")
        params = {"transactions": [transaction], "timeoutMs": SECONDS * 500}
        print(json.dumps({"id": 1, "method": "send", "params": params}), file=lines, flush=True)
        for line in lines:
            reply = json.loads(line)
            if "error" in reply:
                sys.exit(f"{reply['error']['code']}: {reply['error']['what']}")
            if "result" in reply:
                return reply["result"]["acknowledged"]
    sys.exit("the node has hung up: look at its view before sending again")


def write_metrics(file, pair, price, count):
    """For the textfile collector of node_exporter."""
    label = f'{{pair="{pair}"}}'
    with open(f"{file}.new", "w", encoding="utf-8") as out:
        print(f"oracle_feed_sent_seconds{label} {int(time.time())}", file=out)
        print(f"oracle_feed_price{label} {price}", file=out)
        print(f"oracle_feed_sources{label} {count}", file=out)
    os.replace(f"{file}.new", file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--metrics")
    parser.add_argument("--least", type=int, default=3)
    parser.add_argument("node")
    parser.add_argument("pair")
    parser.add_argument("sources", nargs="+")
    given = parser.parse_args()
    prices = answers(given.sources)
    if prices:
        middle = median(prices.values())
        prices = {source: price for source, price in prices.items() if abs(price - middle) * 20 <= middle}
    if len(prices) < given.least:
        sys.exit(f"{len(prices)} sources agree, {given.least} are wanted: nothing sent")
    price = median(prices.values())
    amount, memo = float(price), f"sources={len(prices)}"
    transaction = {"from": given.node, "to": given.pair, "amount": amount, "memo": memo}
    acknowledged = send(given.node, transaction)
    if given.metrics:
        write_metrics(given.metrics, given.pair, price, len(prices))
    print(f"{given.pair} {price} {memo}" + ("" if acknowledged else ", to be delivered later"))


main()
