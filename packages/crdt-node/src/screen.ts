/**
 * What a running node shows: transactions as they are applied and who signed them, the digest of the view when things
 * are quiet, and on stderr what happens to its connections. With --json the same as one JSON object per line on stdout. What nobody
 * reads is left out beyond some bytes (outlet.ts), and told of: with --json as `{"type":"omitted","lines":…}` in its place.
 */
import type { CommandError } from "./exit-codes.ts";
import { describeChange, logEntry } from "./inspection.ts";
import type { Connection } from "./exchange.ts";
import type { Link, LinkState } from "./link.ts";
import type { Node, NodeListener } from "./node.ts";
import { Outlet } from "./outlet.ts";
import { count, note, paint, printable, short, show, warn } from "./output.ts";
import type { ForkStatus } from "./requests.ts";

/** Milliseconds without a new change after which the view counts as quiet. */
const QUIET_MS = 300;

/** Kinds of complaints that are told at all: a relay may make up any number of them. */
const MAX_KINDS = 64;

/** Forked chains of one author that are told one by one; anyone can make as many as they like. */
const MAX_CHAINS = 3;

/** Authors whose forks are told at all: keys are for free, too. */
const MAX_AUTHORS = 64;

/** Milliseconds that a relay must stay connected or offline before that is told, after the first time. */
const SETTLED_MS = 2_000;

/** Hex digits of a digest that are shown: enough to compare by eye. */
const DIGEST_DIGITS = 12;

interface Unsettled {
  readonly state: LinkState;
  readonly timer: NodeJS.Timeout;
  line: string;
  reason: string | null;
}

/** Shows one node. */
export class Screen implements NodeListener {
  readonly #json: boolean;
  readonly #fail: (error: CommandError) => void;
  readonly #outlet = new Outlet(process.stdout, show, (lines) => {
    this.#tellOmitted(lines);
  });
  readonly #shown = new Map<string, string>();
  /** What is about to be told of relays, by address, if it lasts. */
  readonly #unsettled = new Map<string, Unsettled>();
  /** How many forked chains each author has. */
  readonly #forks = new Map<string, number>();
  #node: Node | null = null;
  #guests = 0;
  #guestsShown: number | null = null;
  #guestTimer: NodeJS.Timeout | null = null;
  #quiet: NodeJS.Timeout | null = null;
  #digest = "";

  /** `fail` is called when the node must end. */
  constructor(json: boolean, fail: (error: CommandError) => void) {
    this.#json = json;
    this.#fail = fail;
  }

  /** Begins to show a node that has just been opened. */
  attach(node: Node): void {
    this.#node = node;
    this.#waitForQuiet();
  }

  /** Stops showing. */
  detach(): void {
    this.#node = null;
    if (this.#quiet !== null) clearTimeout(this.#quiet);
    for (const { timer } of this.#unsettled.values()) clearTimeout(timer);
    this.#unsettled.clear();
    if (this.#guestTimer !== null) clearTimeout(this.#guestTimer);
  }

  /** Peers may connect there. */
  listening(url: string): void {
    if (this.#json) this.#writeJson({ type: "listening", url });
    note(`listening ${url}`);
  }

  applied(indexes: readonly number[]): void {
    const node = this.#node;
    if (node === null) return;
    let text = "";
    for (const index of indexes)
      text += this.#json ? jsonLines(node, index) : plainLines(node, index);
    this.#outlet.write(text);
    this.#waitForQuiet();
  }

  link(link: Link, reason: string | null): void {
    const { url, state } = link;
    if (!isShown(state)) return;
    const line = state === "waiting" ? `offline ${reason ?? ""}` : state;
    // One line per change of fortune, not per attempt, also when a relay lets us in and hangs up each time.
    const shown = this.#shown.get(url);
    const before = this.#unsettled.get(url);
    if (before !== undefined && (before.state !== state || shown === line)) {
      clearTimeout(before.timer);
      this.#unsettled.delete(url);
    } else if (before !== undefined) {
      // Another attempt that came to the same; the wait goes on.
      before.reason = reason;
      before.line = line;
      return;
    }
    if (shown === line) return;
    if (shown === undefined) {
      this.#shown.set(url, line);
      this.#tellLink(link, state, reason);
      return;
    }
    const timer = setTimeout(() => {
      this.#unsettled.delete(url);
      this.#shown.set(url, unsettled.line);
      this.#tellLink(link, state, unsettled.reason);
    }, SETTLED_MS);
    const unsettled: Unsettled = { state, line, reason, timer };
    this.#unsettled.set(url, unsettled);
  }

  guests(count: number): void {
    this.#guests = count;
    if (this.#guestsShown === null) {
      this.#tellGuests();
    } else if (this.#guestTimer !== null) {
      // However often they come and go: one line when that is over.
      this.#guestTimer.refresh();
    } else {
      this.#guestTimer = setTimeout(() => {
        this.#guestTimer = null;
        if (this.#guests !== this.#guestsShown) this.#tellGuests();
      }, SETTLED_MS);
    }
  }

  #tellGuests(): void {
    this.#guestsShown = this.#guests;
    if (this.#json) this.#writeJson({ type: "guests", count: this.#guests });
    note(`${count(this.#guests, "peer")} connected to this node`);
  }

  #tellLink({ url, kind }: Link, state: LinkState, reason: string | null): void {
    if (this.#json)
      this.#writeJson({
        type: kind === "peer" ? "peer" : "relay",
        url,
        state: state === "waiting" ? "offline" : "connected",
        reason,
      });
    if (state !== "waiting")
      note(`${paint("green", "connected", process.stderr)} to ${printable(url)}`);
    else
      note(
        `${paint("yellow", "offline", process.stderr)} from ${printable(url)}: ${printable(reason ?? "")}; trying again`,
      );
  }

  report({ url, kind }: Connection, code: string, detail: string): void {
    // Who floods us with complaints fills no screen: each kind is told once, and status counts refusals. Guests come from
    // ever new ports, so they are one.
    const key = `${kind === "guest" ? "guests" : url} ${code}`;
    if (this.#shown.has(key) || this.#shown.size >= MAX_KINDS) return;
    this.#shown.set(key, code);
    if (this.#json) this.#writeJson({ type: "report", url, code, detail });
    warn(`${printable(url)}: ${printable(detail)} (${printable(code)})`);
  }

  forked(fork: ForkStatus): void {
    if (this.#json) this.#writeJson({ type: "equivocation", ...fork });
    const { author, chain, seq, own } = fork;
    const before = this.#forks.get(author) ?? 0;
    if (before === 0 && this.#forks.size >= MAX_AUTHORS) return;
    this.#forks.set(author, before + 1);
    if (before > MAX_CHAINS) return;
    if (before === MAX_CHAINS) {
      const name = this.#node?.home.name ?? "NAME";
      warn(`equivocation: ${author} did so on more chains; see crdt-node status ${name}`);
      return;
    }
    warn(
      `equivocation: ${author} signed two different changes as number ${seq} of chain ${chain}; ` +
        (own
          ? "that is this node's own key, so someone else has it, too"
          : "both are kept, and all honest nodes see both"),
    );
  }

  failed(error: CommandError): void {
    this.#fail(error);
  }

  #tellOmitted(lines: number): void {
    if (this.#json) this.#writeJson({ type: "omitted", lines });
    warn(`${count(lines, "line")} left out, since nobody read what was shown before`);
  }

  #writeJson(value: object): void {
    this.#outlet.write(`${JSON.stringify(value)}\n`);
  }

  #waitForQuiet(): void {
    if (this.#quiet !== null) this.#quiet.refresh();
    else
      this.#quiet = setTimeout(() => {
        this.#showDigest();
      }, QUIET_MS);
  }

  #showDigest(): void {
    const node = this.#node;
    if (node === null) return;
    const digest = node.digest();
    if (digest === this.#digest) return;
    this.#digest = digest;
    const transactions = node.transactionCount();
    if (this.#json)
      this.#writeJson({ type: "digest", digest, transactions, changes: node.history.length });
    else
      this.#outlet.write(
        `${paint("bold", `digest ${digest.slice(0, DIGEST_DIGITS)}`)}  ${count(transactions, "transaction")}\n`,
      );
  }
}

function isShown(state: LinkState): boolean {
  return state === "waiting" || state === "syncing";
}

function plainLines(node: Node, index: number): string {
  const author = short(Buffer.from(node.history.authorAt(index)).toString("hex"));
  const who = node.isOwn(index) ? `${paint("green", author)} you` : `${paint("cyan", author)}    `;
  const texts = describeChange(logEntry(node.history, index));
  return texts.map((text) => `${who}  ${printable(text)}\n`).join("");
}

function jsonLines(node: Node, index: number): string {
  const { id, author, ops, transactions } = logEntry(node.history, index);
  const own = node.isOwn(index);
  if (transactions.length === 0)
    return `${JSON.stringify({ type: "change", id, author, own, ops })}\n`;
  return transactions
    .map(
      (transaction) => `${JSON.stringify({ type: "transaction", id, author, own, transaction })}\n`,
    )
    .join("");
}
