/**
 * A node: one document, its log on disk, and the connections to relays and peers.
 *
 * A change leaves the process only after it is durable in the log: sessions send no index above {@link Node.durable},
 * and live changes are pushed when their append has resolved. If the log cannot be written the node fails.
 */
import { randomBytes } from "node:crypto";
import {
  authenticationMessage,
  Document,
  documentId,
  encodeGroup,
  type ForkProof,
  decodeGroup,
  type History,
  type KeyPair,
  type LiveGroup,
  liveGroups,
  MAX_GROUP_BYTES,
  type NewRecord,
  type ReceivedGroup,
  sign,
  toHex,
} from "bft-json-crdt";
import { Coverage } from "./coverage.ts";
import { Feed } from "./feed.ts";
import { evidenceOf, type ForkEvidence } from "./fork-evidence.ts";
import { CommandError, EXIT, messageOf } from "./exit-codes.ts";
import type { NodeHome } from "./home.ts";
import { type DagFormat, dagText } from "./inspection.ts";
import {
  type Budgets,
  DEFAULT_BUDGETS,
  DEFAULT_PEER_BOUNDS,
  MAX_STATUS_ENTRIES,
  type PeerBounds,
} from "./limits.ts";
import { ledger, type LedgerDocument, pushTransaction } from "./ledger.ts";
import type { Connection } from "./exchange.ts";
import type { Guest, GuestHost } from "./guest.ts";
import { Link, type LinkHost, type Proof } from "./link.ts";
import { short } from "./output.ts";
import { PeerServer } from "./peer-server.ts";
import type { ForkStatus, Imported, LinkStatus, Status } from "./requests.ts";
import type { ListenAddress } from "./settings.ts";
import type { OwnChange } from "./mark.ts";
import { startOver, type Store } from "./store.ts";
import type { Transaction } from "./transaction.ts";
import { lossIn } from "./verification.ts";

/** What a node tells whoever runs it. All changes told of are durable. */
export interface NodeListener {
  /** Changes were applied: own ones, or others' from a relay or a file. Local indexes, ascending. */
  applied?(indexes: readonly number[]): void;
  /** The connection to a relay or a peer changed; `reason` says why it is lost or could not be made. */
  link?(link: Link, reason: string | null): void;
  /** So many peers are connected to this node now. */
  guests?(count: number): void;
  /** The other end complained, or something that it sent was refused; told as often as it happens. */
  report?(from: Connection, code: string, detail: string): void;
  /** An author is caught: two different changes with one number, both signed. Told once per chain. */
  forked?(fork: ForkStatus): void;
  /** The log cannot be written any more; the node must end. */
  failed?(error: CommandError): void;
}

/** What to open a node with. */
export interface NodeOptions {
  readonly home: NodeHome;
  readonly room: string;
  /** Null when it is lost: then the node can only be read, by the one process that has opened it. */
  readonly keyPair: KeyPair | null;
  /** Open, and this node's own; closed by {@link Node.close}. */
  readonly store: Store;
  readonly listener?: NodeListener;
  readonly budgets?: Budgets;
}

/** Own changes made in one step, before anything else has its turn: some ten milliseconds of signing. */
const CHANGES_PER_STEP = 128;

/** Input bytes of the transactions in one step, so that its changes fit into one group. */
const BYTES_PER_STEP = MAX_GROUP_BYTES / 4;

interface Waiter {
  readonly index: number;
  readonly resolve: (acknowledged: boolean) => void;
}

/** One replica of one room's document. */
export class Node implements LinkHost, GuestHost {
  readonly home: NodeHome;
  readonly room: string;
  readonly store: Store;
  readonly budgets: Budgets;
  /** What happens to the view, for those who watch it. */
  readonly feed: Feed;
  readonly #keyPair: KeyPair | null;
  readonly #document: LedgerDocument;
  readonly #listener: NodeListener;
  readonly instance = randomBytes(16).toString("hex");
  readonly #links: { readonly link: Link; reason: string | null }[] = [];
  readonly #coverage = new Coverage();
  readonly #rejected = new Map<string, number>();
  readonly #forked = new Map<string, ForkStatus>();
  readonly #started = performance.now();
  readonly #waiters = new Set<Waiter>();
  readonly #onLinkChanged = new Set<() => void>();
  #server: PeerServer | null = null;
  #isRunning = false;
  #guestCount = 0;
  #durable: number;
  /** The last append to the log; it resolves after all before it. */
  #stored: Promise<void> = Promise.resolve();
  #appends: Promise<unknown> = Promise.resolve();
  /** Own changes that nobody is known to have acknowledged, ascending. */
  readonly #unacknowledged: number[] = [];
  #failure: CommandError | null = null;
  #digest: { readonly length: number; readonly hex: string } | null = null;

  private constructor(
    { home, room, keyPair, store, listener, budgets = DEFAULT_BUDGETS }: NodeOptions,
    document: LedgerDocument,
  ) {
    this.home = home;
    this.room = room;
    this.store = store;
    this.budgets = budgets;
    this.#keyPair = keyPair;
    this.#document = document;
    this.#listener = listener ?? {};
    this.#durable = document.history.length;
    this.feed = new Feed(document);
  }

  /** Builds the document from the log; throws CommandError when the log is damaged. */
  static async open(options: NodeOptions): Promise<Node> {
    const { home, room, keyPair, store, budgets = DEFAULT_BUDGETS } = options;
    const document = new Document({
      schema: ledger,
      id: documentId(room),
      ...(keyPair !== null && { keyPair }),
      chain: store.chain,
      limits: {
        pendingBytes: budgets.pendingBytes,
        pendingBytesPerPeer: budgets.peerPendingBytes,
        pendingBytesPerAuthor: budgets.authorPendingBytes,
        pendingBytesPerExposedAuthor: budgets.exposedPendingBytes,
      },
    });
    // Neighbouring records are merged under covering signatures: a hash for each change, a signature for few.
    const replayed = store.log.replay({
      receive: (group) => document.receive(group, "store"),
      indexOf: (id) => document.history.indexOf(id),
    });
    for await (const fault of replayed) {
      if (fault === null) continue;
      throw new CommandError(EXIT.damaged, {
        what: `the store of "${home.name}" is damaged`,
        why: `record ${fault.position}: ${fault.detail}`,
        next: `crdt-node verify ${home.name}`,
      });
    }
    const loss = lossIn(store.mark, store.log.length, (id) => document.history.indexOf(id) >= 0);
    if (loss !== null) {
      throw new CommandError(EXIT.damaged, {
        what: `the store of "${home.name}" has lost its end: ${loss.detail}`,
        why: "going on would sign a second change with a number that is used, which is equivocation",
        next: startOver(home),
      });
    }
    const node = new Node(options, document);
    for (const proof of node.history.forks()) node.#noteFork(proof);
    node.#seekUndelivered();
    return node;
  }

  get history(): History {
    return this.#document.history;
  }

  /** True for changes signed with this node's key, on whatever chain. */
  isOwn(index: number): boolean {
    return this.#isOwnKey(this.history.authorAt(index));
  }

  /** Connects to relays and to peers, and stays connected. */
  connect(relays: readonly string[], peers: readonly string[] = []): void {
    this.#isRunning = true;
    for (const [kind, urls] of [
      ["relay", relays],
      ["peer", peers],
    ] as const) {
      for (const url of new Set(urls)) {
        const link = new Link(url, this, kind);
        this.#links.push({ link, reason: null });
        link.open();
      }
    }
  }

  /** Lets peers connect; resolves to the address when they can, rejects with CommandError when they cannot. */
  async listen(address: ListenAddress, bounds: PeerBounds = DEFAULT_PEER_BOUNDS): Promise<string> {
    this.#server = await PeerServer.listen(address, this, bounds);
    this.#isRunning = true;
    return this.#server.url;
  }

  /** Resolves when some relay and this node have the same, when none can be reached, or after `timeoutMs`. */
  inStep(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, timeoutMs);
      const look = (): void => {
        const states = this.#links.map(({ link }) => link.state);
        if (states.includes("synced") || states.every((state) => state === "waiting")) done();
      };
      const onLooks = this.#onLinkChanged;
      function done(): void {
        clearTimeout(timer);
        onLooks.delete(look);
        resolve();
      }
      onLooks.add(look);
      look();
    });
  }

  /**
   * Signs transactions, one change each, stores them, and gives them to the relays; returns their ids once they are
   * durable here. Throws CommandError when the log cannot be written.
   */
  append(transactions: readonly Transaction[]): Promise<string[]> {
    const appended = this.#appends.then(() => this.#append(transactions));
    this.#appends = appended.catch(() => undefined);
    return appended;
  }

  /** Resolves to true when a relay has acknowledged this change, to false after `timeoutMs` or an abort without that. */
  delivered(id: Uint8Array, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const index = this.history.indexOf(id);
    if (index < 0)
      throw new CommandError(EXIT.failure, { what: `there is no change ${toHex(id)} here` });
    if (this.#coverage.has(index)) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter: Waiter = {
        index,
        resolve: (acknowledged) => {
          clearTimeout(timer);
          signal?.removeEventListener("abort", giveUp);
          this.#waiters.delete(waiter);
          resolve(acknowledged);
        },
      };
      const giveUp = (): void => {
        waiter.resolve(false);
      };
      const timer = setTimeout(giveUp, timeoutMs);
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", giveUp);
      if (signal?.aborted === true) giveUp();
    });
  }

  /** Takes in a closed group from a file; resolves when it is durable, throws CommandError when it is refused. */
  async import(group: Uint8Array): Promise<Imported> {
    const received = this.#document.receive(group, "import");
    await this.#store(received.applied, liveGroups(this.history, group, received));
    if (received.status === "rejected" || received.status === "unsupported")
      throw refusal(received.code ?? "malformed");
    const of = (status: string): number =>
      received.results.filter((result) => result.status === status).length;
    return { added: received.applied.length, known: of("duplicate"), pending: of("pending") };
  }

  /** The RFC 8785 JSON of the view. */
  viewJson(): string {
    return this.#document.viewJson();
  }

  /** The view digest in hex: equal on all nodes that show the same. */
  digest(): string {
    const { length } = this.history;
    if (this.#digest?.length !== length)
      this.#digest = { length, hex: this.#document.viewDigest() };
    return this.#digest.hex;
  }

  /** The graph of all changes as text; this node's own key goes by the node's name. */
  graph(format: DagFormat): string {
    const own = this.#keyInHex();
    return dagText(this.history, format, (author) =>
      author === own ? this.home.name : short(author),
    );
  }

  /** What proves that authors equivocated, one for each chain, in the order in which they were found. */
  forks(): ForkEvidence[] {
    return this.history.forks().map(evidenceOf);
  }

  /** The whole history as bytes, for a file. */
  save(): Uint8Array {
    // For others: a seal is of use to nobody but this key, and would tell whose node it was.
    return this.#document.save({ seal: false });
  }

  /** How many transactions the view shows. */
  transactionCount(): number {
    return this.#document.root.transactions.length;
  }

  status(): Status {
    const { history } = this;
    const { user, system } = process.cpuUsage();
    const frontier = history.frontier();
    const running = this.#isRunning;
    const of = (kind: Link["kind"]): LinkStatus[] =>
      this.#links
        .filter(({ link }) => link.kind === kind)
        .map(({ link, reason }) => ({ url: link.url, state: link.state, reason }));
    const guests = Array.from(this.#server?.guests() ?? [], ({ url, state }) => ({ url, state }));
    return {
      name: this.home.name,
      running,
      pid: process.pid,
      key: this.#keyInHex(),
      room: this.room,
      document: toHex(history.document),
      chain: this.store.chain.toString(),
      relays: of("relay"),
      peers: of("peer"),
      listening: this.#server?.url ?? null,
      guests,
      changes: history.length,
      unacknowledged: this.#unacknowledged.length,
      transactions: this.transactionCount(),
      digest: this.digest(),
      heads: frontier.slice(0, MAX_STATUS_ENTRIES).map(toHex),
      headCount: frontier.length,
      pending: { changes: history.pending.count, bytes: history.pending.bytes },
      faults: {
        forks: [...this.#forked.values()].slice(0, MAX_STATUS_ENTRIES),
        forkCount: this.#forked.size,
        rejected: Object.fromEntries(this.#rejected),
      },
      uptime: (performance.now() - this.#started) / 1_000,
      cpu: (user + system) / 1_000_000,
    };
  }

  /** Ends the links, after what was given to them is sent, then the store, after what was given to it is durable. */
  async close(): Promise<void> {
    await this.#appends;
    for (const waiter of this.#waiters) waiter.resolve(false);
    await Promise.all([this.#server?.close(), ...this.#links.map(({ link }) => link.close())]);
    if (this.#failure === null) await this.store.log.append([]).catch(() => undefined);
    await this.store.close();
  }

  // What follows is for the connections.

  get cursors(): Store["cursors"] {
    return this.store.cursors;
  }

  get durable(): number {
    return this.#durable;
  }

  stored(): Promise<void> {
    return this.#stored;
  }

  receive(group: Uint8Array, from: Connection): ReceivedGroup {
    const received = this.#document.receive(group, from.payer);
    this.#count(received);
    // A failed write ends the node; there is nobody here to tell.
    this.#store(received.applied, liveGroups(this.history, group, received)).catch(() => undefined);
    return received;
  }

  acknowledged(ids: readonly Uint8Array[]): void {
    for (const id of ids) this.#coverage.add(this.history, this.history.indexOf(id));
    // Own changes build on one another, so what is covered is at the front.
    let covered = 0;
    while (
      covered < this.#unacknowledged.length &&
      this.#coverage.has(this.#unacknowledged[covered]!)
    )
      covered++;
    if (covered > 0)
      this.store.delivered.set(this.history.idAt(this.#unacknowledged[covered - 1]!));
    this.#unacknowledged.splice(0, covered);
    for (const waiter of this.#waiters) {
      if (this.#coverage.has(waiter.index)) waiter.resolve(true);
    }
  }

  get key(): string {
    return toHex(this.#signingKey().publicKey);
  }

  prove(nonce: Uint8Array, host: string): Proof {
    const message = authenticationMessage(nonce, this.history.document, host);
    const { secretKey } = this.#signingKey();
    return { author: this.key, signature: toHex(sign(message, secretKey)) };
  }

  linkChanged(link: Link, reason: string | null): void {
    const entry = this.#links.find((candidate) => candidate.link === link);
    if (entry !== undefined && (reason !== null || link.state === "syncing")) entry.reason = reason;
    this.#listener.link?.(link, reason);
    for (const look of this.#onLinkChanged) look();
  }

  linkReported(from: Connection, code: string, detail: string): void {
    this.#listener.report?.(from, code, detail);
  }

  guestChanged(guest: Guest): void {
    if (guest.state !== "syncing" && guest.state !== "closed") return;
    const count = Array.from(this.#server?.guests() ?? []).filter(
      ({ state }) => state !== "closed",
    ).length;
    if (count === this.#guestCount) return;
    this.#guestCount = count;
    this.#listener.guests?.(count);
  }

  /** The key of a node that connects. */
  #signingKey(): KeyPair {
    if (this.#keyPair === null) throw new Error("a node that has no key can only be read");
    return this.#keyPair;
  }

  /** The public key; "" without one. */
  #keyInHex(): string {
    return this.#keyPair === null ? "" : toHex(this.#keyPair.publicKey);
  }

  #isOwnKey(author: Uint8Array): boolean {
    return this.#keyPair !== null && Buffer.compare(author, this.#keyPair.publicKey) === 0;
  }

  async #append(transactions: readonly Transaction[]): Promise<string[]> {
    const ids: string[] = [];
    for (let start = 0; start < transactions.length;) {
      if (this.#failure !== null) throw this.#failure;
      const step = stepOf(transactions, start);
      start += step.length;
      const indexes = await this.#commit(step);
      for (const index of indexes) ids.push(toHex(this.history.idAt(index)));
      // Frames from relays and further input have their turn between two steps.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return ids;
  }

  /** Makes one change of each transaction; resolves to their indexes when they are durable. */
  async #commit(transactions: readonly Transaction[]): Promise<number[]> {
    const { history } = this;
    const first = history.length;
    try {
      for (const transaction of transactions) pushTransaction(this.#document, transaction);
    } catch (error) {
      // Some of them may be in the document without being stored, so it must not be used any more.
      throw this.#fail(error);
    }
    const indexes = Array.from({ length: history.length - first }, (_, i) => first + i);
    const group = encodeGroup(
      indexes.map((index) => ({
        body: history.bodyAt(index),
        signature: history.signatureAt(index),
      })),
    );
    this.#unacknowledged.push(...indexes);
    await this.#store(indexes, [{ group, indexes }]);
    return indexes;
  }

  /** Appends what was applied to the log; then it may leave: passes it on, and tells the listener. */
  #store(applied: readonly number[], groups: readonly LiveGroup[]): Promise<void> {
    // What was known may be on its way to the disk.
    if (applied.length === 0) return this.#stored;
    this.#stored = this.#appendApplied(applied, groups);
    return this.#stored;
  }

  async #appendApplied(applied: readonly number[], groups: readonly LiveGroup[]): Promise<void> {
    try {
      await this.store.append(recordsFor(this.history, applied), this.#lastOwn(applied));
    } catch (error) {
      throw this.#fail(error);
    }
    // Appends resolve in the order in which they were made, which is the order of the indexes.
    this.#durable = applied.at(-1)! + 1;
    this.feed.release(this.#durable);
    for (const connection of this.#connections()) {
      for (const { group, indexes } of groups) connection.push(group, indexes);
    }
    this.#tell(applied);
  }

  *#connections(): Generator<Connection> {
    for (const { link } of this.#links) yield link;
    if (this.#server !== null) yield* this.#server.guests();
  }

  /** The last of these changes that was made on the chain that this store writes to. */
  #lastOwn(indexes: readonly number[]): OwnChange | null {
    const { history } = this;
    const { chain } = this.store;
    const index = indexes.findLast((i) => history.chainAt(i) === chain && this.isOwn(i));
    return index === undefined
      ? null
      : { id: history.idAt(index), chain, seq: history.seqAt(index) };
  }

  /** Finds what was made before this start and is not known to be delivered. */
  #seekUndelivered(): void {
    const { history } = this;
    const { id } = this.store.delivered;
    if (id !== null) this.#coverage.add(history, history.indexOf(id));
    for (let index = 0; index < history.length; index++)
      if (!this.#coverage.has(index) && this.isOwn(index)) this.#unacknowledged.push(index);
  }

  /** Counts what was refused. Unsigned changes that came before their cover are asked for again: that is no fault. */
  #count({ results, missing }: ReceivedGroup): void {
    for (const { status, code = "malformed" } of results) {
      if (status !== "rejected" || (code === "missing_signature" && missing.length > 0)) continue;
      this.#rejected.set(code, (this.#rejected.get(code) ?? 0) + 1);
    }
  }

  #tell(indexes: readonly number[]): void {
    this.#listener.applied?.(indexes);
    const { history } = this;
    const isNews = indexes.some(
      (index) => history.isForked(index) && !this.#forked.has(chainKey(history, index)),
    );
    if (!isNews) return;
    for (const proof of history.forks()) {
      const fork = this.#noteFork(proof);
      if (fork !== null) this.#listener.forked?.(fork);
    }
  }

  /** Remembers a fork; null when it was known. */
  #noteFork({ author, chain, seq, ids }: ForkProof): ForkStatus | null {
    const key = `${toHex(author)} ${chain}`;
    if (this.#forked.has(key)) return null;
    const own = this.#isOwnKey(author);
    const fork: ForkStatus = {
      author: toHex(author),
      chain: chain.toString(),
      seq,
      ids: [toHex(ids[0]), toHex(ids[1])],
      own,
    };
    this.#forked.set(key, fork);
    return fork;
  }

  #fail(error: unknown): CommandError {
    if (this.#failure !== null) return this.#failure;
    this.#failure = new CommandError(
      EXIT.failure,
      {
        what: `cannot write the store of "${this.home.name}"; the node stops, and sends nothing that is not stored`,
        why: messageOf(error),
        next: `df -h ${this.home.folder}`,
      },
      { cause: error },
    );
    this.#listener.failed?.(this.#failure);
    return this.#failure;
  }
}

function chainKey(history: History, index: number): string {
  return `${toHex(history.authorAt(index))} ${history.chainAt(index)}`;
}

/**
 * Newly applied changes as closed groups. A signature that a later one of the same group covers is left out, so that the
 * next start has fewer to verify.
 */
function recordsFor(history: History, applied: readonly number[]): NewRecord[] {
  let taken = 0;
  return history.groupsFor(applied).map((group) => {
    const entries = decodeGroup(group);
    const indexes = applied.slice(taken, taken + (entries.ok ? entries.value.length : 0));
    taken += indexes.length;
    return { ids: indexes.map((index) => history.idAt(index)), group };
  });
}

/** As many transactions from `start` on as one step takes, at least one. */
function stepOf(transactions: readonly Transaction[], start: number): Transaction[] {
  const step: Transaction[] = [];
  let bytes = 0;
  for (let i = start; i < transactions.length && step.length < CHANGES_PER_STEP; i++) {
    const transaction = transactions[i]!;
    // Three bytes of UTF-8 for one UTF-16 unit at most.
    bytes +=
      3 * (transaction.from.length + transaction.to.length + (transaction.memo?.length ?? 0));
    if (step.length > 0 && bytes > BYTES_PER_STEP) break;
    step.push(transaction);
  }
  return step;
}

function refusal(code: string): CommandError {
  const foreign = code === "wrong_document";
  return new CommandError(foreign || code === "unsupported_version" ? EXIT.refused : EXIT.damaged, {
    what: `a change was refused: ${code}`,
    why: foreign ? "it was made for another document" : undefined,
  });
}
