/**
 * A second implementation of the wire format, written from docs/wire-format.md alone: its own CBOR decoder, admission,
 * fold and JSON, sharing no code with the library. Slow and plain on purpose. Numbers in comments are sections there.
 *
 * Of the Ed25519 rule (7) it checks what node:crypto does; the points are left to the library's own vectors.
 */
import { createHash, createPublicKey, verify } from "node:crypto";

/** A float item: its width is 1, 2 or 3 for 2, 4 or 8 bytes. */
export class Float {
  readonly value: number;
  readonly width: number;

  constructor(value: number, width: number) {
    this.value = value;
    this.width = width;
  }
}

/** A decoded item (2); integers are bigints. */
export type Item =
  | null
  | boolean
  | bigint
  | Float
  | string
  | Uint8Array
  | Item[]
  | Map<string, Item>;

/** Thrown inside, never out of {@link SecondReplica}. */
export class Refusal extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** One op as it stands in a body; `content` is null when it is detached. */
export interface WireOp {
  readonly kind: number;
  readonly made: number;
  readonly targets: Item[];
  readonly content: Item;
  /** The encoding of the content, in hex. */
  readonly raw: string;
  readonly detached: boolean;
}

/** A decoded body; ids are in hex. */
export interface Change {
  readonly id: string;
  readonly document: string;
  readonly author: string;
  readonly chain: bigint;
  readonly seq: number;
  readonly prev: string | null;
  readonly parents: string[];
  readonly lamport: number;
  readonly time: number | null;
  readonly refs: string[];
  readonly ops: WireOp[];
}

/** Decodes exactly one item of at most a depth; throws a Refusal for anything else. */
export function decodeItem(bytes: Uint8Array, depth = 64): Item {
  const decoder = new Decoder(bytes);
  const item = decoder.item(depth);
  decoder.end();
  return item;
}

/** CBOR diagnostic notation (RFC 8949 §8). */
export function diagnostic(item: Item): string {
  if (item instanceof Float) {
    const digits = String(item.value);
    return `${/^-?\d+$/u.test(digits) ? `${digits}.0` : digits}_${item.width}`;
  }
  if (item instanceof Uint8Array) return `h'${hex(item)}'`;
  if (Array.isArray(item)) return `[${item.map(diagnostic).join(", ")}]`;
  if (item instanceof Map) {
    return `{${[...item].map(([key, value]) => `${JSON.stringify(key)}: ${diagnostic(value)}`).join(", ")}}`;
  }
  return typeof item === "string" ? JSON.stringify(item) : String(item);
}

/** Decodes a body and judges what its bytes alone decide (5.1); throws a Refusal. */
export function decodeChange(body: Uint8Array): Change {
  const decoder = new Decoder(body);
  const fields = decoder.array();
  if (decoder.count() !== 1) throw new Refusal("unsupported_version");
  if (body.length > 1_047_552) throw new Refusal("too_large");
  must(fields === 11);
  const document = decoder.id();
  const author = decoder.id();
  const chain = decoder.head(0);
  const seq = decoder.count();
  const prev = decoder.orNull(() => decoder.id());
  const parents = decoder.ids();
  const lamport = decoder.count();
  const time = decoder.orNull(() => decoder.count());
  const refs = decoder.ids();
  must(parents.length <= 16 && seq >= 1 && lamport >= 1 && (prev === null) === (seq === 1));
  const named = [...(prev === null ? [] : [prev]), ...parents, ...refs];
  must(new Set(named).size === named.length);
  const ops: WireOp[] = [];
  let made = 0;
  for (let rest = decoder.array(); rest > 0; rest--) {
    ops.push(decoder.op((own) => (made += own)));
  }
  decoder.end();
  const id = sha256("change", body);
  return { id, document, author, chain, seq, prev, parents, lamport, time, refs, ops };
}

/** An entry of a group that has passed what its bytes decide. */
interface Candidate {
  readonly change: Change;
  readonly isSigned: boolean;
  fault: string | null;
  /** Part of the set that is applied in one step. */
  isIn: boolean;
}

/** A replica that only receives. */
export class SecondReplica {
  readonly applied = new Map<string, Change>();
  readonly #document: string;
  readonly #rejected = new Set<string>();
  readonly #pending = new Map<string, Change>();

  constructor(document: Uint8Array) {
    this.#document = hex(document);
  }

  /** Ids of applied changes that no other applied change depends on, sorted (9.3). */
  frontier(): string[] {
    const heads = new Set(this.applied.keys());
    for (const change of this.applied.values()) {
      for (const id of dependencies(change)) heads.delete(id);
    }
    return [...heads].sort();
  }

  /** Receives a group (9.1); returns what became of each entry, or the code for which all of it is refused. */
  receive(group: Uint8Array): string[] | string {
    let entries: Entry[];
    try {
      entries = decodeGroup(group);
    } catch (error) {
      return codeOf(error);
    }
    const candidates = new Map<string, Candidate>();
    const screened = entries.map((entry) => this.#screen(entry, candidates));
    const inOrder = [...candidates.values()];
    this.#judge(inOrder);
    this.#choose(inOrder);
    for (const { change, isIn } of inOrder) if (isIn) this.#apply(change);
    for (const { change, isIn, isSigned, fault } of inOrder) {
      if (fault !== null) this.#rejected.add(change.id);
      else if (!isIn && isSigned) this.#pending.set(change.id, change);
    }
    this.#drain();
    return screened.map((outcome) => {
      if (typeof outcome === "string") return outcome;
      if (this.applied.has(outcome.change.id)) return "applied";
      const isPending = this.#pending.has(outcome.change.id);
      return outcome.fault ?? (isPending ? "pending" : "missing_signature");
    });
  }

  /** The JSON of the view (13) for a schema's description (11.2). */
  viewJson(description: Uint8Array): string {
    return new Fold(readSchema(decodeItem(description) as Item[]), this.applied).json();
  }

  /** What the bytes of one entry decide; adds it to the candidates if they decide nothing. */
  #screen({ body, signature }: Entry, candidates: Map<string, Candidate>): Candidate | string {
    const id = sha256("change", body);
    if (this.applied.has(id) || candidates.has(id)) return "duplicate";
    try {
      const change = decodeChange(body);
      if (change.document !== this.#document) throw new Refusal("wrong_document");
      if (signature !== null && !isGenuine(signature, change)) return "bad_signature";
      const candidate = { change, isSigned: signature !== null, fault: null, isIn: false };
      candidates.set(id, candidate);
      return candidate;
    } catch (error) {
      const code = codeOf(error);
      if (code !== "unsupported_version") this.#rejected.add(id);
      return code;
    }
  }

  /** What is wrong with candidates by 5.2, as far as their dependencies are known. */
  #judge(candidates: readonly Candidate[]): void {
    const earlier = new Map<string, Candidate>();
    for (const candidate of candidates) {
      const { change } = candidate;
      const known = (id: string): Change | undefined =>
        this.applied.get(id) ?? earlier.get(id)?.change;
      const ids = dependencies(change);
      const isRejected = (id: string): boolean =>
        this.#rejected.has(id) || earlier.get(id)?.fault != null;
      if (ids.some(isRejected)) candidate.fault = "rejected_dependency";
      else if (ids.every((id) => known(id) !== undefined)) candidate.fault = faultOf(change, known);
      earlier.set(change.id, candidate);
    }
  }

  /** The greatest set that can be applied in one step: all, without what cannot be, until nothing more falls out. */
  #choose(candidates: readonly Candidate[]): void {
    for (const candidate of candidates) candidate.isIn = candidate.fault === null;
    for (let shrank = true; shrank;) {
      shrank = false;
      // Signed, or on the line of a later one that is.
      const vouched = new Set<string | null>();
      for (const { change, isSigned, isIn } of candidates.toReversed()) {
        if (isIn && (isSigned || vouched.has(change.id))) vouched.add(change.id).add(change.prev);
      }
      const known = new Set(this.applied.keys());
      for (const candidate of candidates) {
        const { change, isIn } = candidate;
        if (!isIn) continue;
        const fits = dependencies(change).every((id) => known.has(id)) && vouched.has(change.id);
        if (fits) known.add(change.id);
        else shrank = true;
        candidate.isIn = fits;
      }
    }
  }

  #apply(change: Change): void {
    this.applied.set(change.id, change);
    this.#pending.delete(change.id);
  }

  #drain(): void {
    for (let moved = true; moved;) {
      moved = false;
      for (const change of this.#pending.values()) {
        const ids = dependencies(change);
        const isRejected = ids.some((id) => this.#rejected.has(id));
        if (!isRejected && !ids.every((id) => this.applied.has(id))) continue;
        moved = true;
        this.#pending.delete(change.id);
        const isFaulty = isRejected || faultOf(change, (id) => this.applied.get(id)) !== null;
        if (isFaulty) this.#rejected.add(change.id);
        else this.#apply(change);
      }
    }
  }
}

/** What dependencies that are all known decide (5.2). */
function faultOf(change: Change, known: (id: string) => Change | undefined): string | null {
  const lamports = dependencies(change).map((id) => known(id)!.lamport);
  if (change.lamport !== 1 + Math.max(0, ...lamports)) return "wrong_lamport";
  if (change.prev === null) return null;
  const { author, chain, seq } = known(change.prev)!;
  return author === change.author && chain === change.chain && seq === change.seq - 1
    ? null
    : "wrong_prev";
}

function dependencies({ prev, parents, refs }: Change): string[] {
  return [...(prev === null ? [] : [prev]), ...parents, ...refs];
}

function isGenuine(signature: Uint8Array, { id, author }: Change): boolean {
  const x = Buffer.from(author, "hex").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return verify(null, Buffer.concat([tag("signature"), Buffer.from(id, "hex")]), key, signature);
}

interface Entry {
  readonly body: Uint8Array;
  readonly signature: Uint8Array | null;
}

/** Section 8. */
function decodeGroup(bytes: Uint8Array): Entry[] {
  if (bytes.length > 1_048_576) throw new Refusal("too_large");
  const decoder = new Decoder(bytes);
  const count = decoder.array();
  if (count > 1_024) throw new Refusal("too_large");
  must(count > 0);
  const entries = Array.from({ length: count }, () => {
    must(decoder.array() === 2);
    return { body: decoder.string(2), signature: decoder.orNull(() => decoder.string(2)) };
  });
  must(entries.every(({ signature }) => signature === null || signature.length === 64));
  decoder.end();
  return entries;
}

/** Section 2. */
class Decoder {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  end(): void {
    must(this.#at === this.#bytes.length);
  }

  /** The argument of a head of this major type. */
  head(major: number): bigint {
    const first = this.#take(1)[0]!;
    must(first >> 5 === major);
    const info = first & 31;
    if (info < 24) return BigInt(info);
    must(info < 28);
    const size = 1 << (info - 24);
    const argument = BigInt(`0x${hex(this.#take(size))}`);
    must(argument >= (size === 1 ? 24n : 1n << BigInt(4 * size)));
    return argument;
  }

  count(): number {
    const count = this.head(0);
    must(count <= Number.MAX_SAFE_INTEGER);
    return Number(count);
  }

  /** How many items follow in an array: no more than bytes. */
  array(): number {
    const count = this.head(4);
    must(count <= this.#bytes.length - this.#at);
    return Number(count);
  }

  /** The bytes of a byte string (2) or a text (3). */
  string(major: number): Uint8Array {
    const length = this.head(major);
    must(length <= this.#bytes.length);
    return this.#take(Number(length));
  }

  id(): string {
    const bytes = this.string(2);
    must(bytes.length === 32);
    return hex(bytes);
  }

  ids(): string[] {
    const ids = Array.from({ length: this.array() }, () => this.id());
    must(ids.every((id, i) => i === 0 || ids[i - 1]! < id));
    return ids;
  }

  orNull<T>(read: () => T): T | null {
    if (this.#bytes[this.#at] !== 0xf6) return read();
    this.#at++;
    return null;
  }

  /** An op's outline (6.1); `sum` adds up what is made. */
  op(sum: (made: number) => number): WireOp {
    const fields = this.array();
    const kind = this.count();
    const made = this.count();
    if (sum(made) > 1_048_576) throw new Refusal("too_large");
    const targets = this.item(69);
    must(Array.isArray(targets));
    const start = this.#at;
    if (fields === 5) {
      this.count();
      this.id();
      return { kind, made, targets, content: null, raw: "", detached: true };
    }
    must(fields === 4);
    const content = this.item(69);
    must(made <= this.#at - start);
    const raw = hex(this.#bytes.subarray(start, this.#at));
    return { kind, made, targets, content, raw, detached: false };
  }

  item(depth: number): Item {
    const first = this.#bytes[this.#at];
    must(first !== undefined);
    const major = first >> 5;
    if (major === 0) return this.head(0);
    if (major === 1) return -1n - this.head(1);
    if (major === 2) return this.string(2).slice();
    if (major === 3) return this.#text();
    if (major === 4 || major === 5) must(depth > 0);
    if (major === 4) return Array.from({ length: this.array() }, () => this.item(depth - 1));
    if (major === 5) return this.#map(depth - 1);
    this.#at++;
    if (first === 0xc2 || first === 0xc3) {
      const bytes = this.string(2);
      must(bytes.length > 8 && bytes.length <= 1_024 && bytes[0] !== 0);
      const magnitude = BigInt(`0x${hex(bytes)}`);
      return first === 0xc2 ? magnitude : -1n - magnitude;
    }
    if (first === 0xf4 || first === 0xf5) return first === 0xf5;
    if (first === 0xf6) return null;
    must(first >= 0xf9 && first <= 0xfb);
    return this.#float(first - 0xf8);
  }

  #text(): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.string(3));
    } catch {
      throw new Refusal("malformed");
    }
  }

  #map(depth: number): Item {
    const map = new Map<string, Item>();
    let last = "";
    for (let rest = this.head(5); rest > 0n; rest--) {
      const start = this.#at;
      const key = this.#text();
      const encoded = hex(this.#bytes.subarray(start, this.#at));
      must(encoded > last);
      last = encoded;
      map.set(key, this.item(depth));
    }
    return map;
  }

  #float(width: number): Float {
    const bytes = this.#take(1 << width);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const value =
      width === 3 ? view.getFloat64(0) : width === 2 ? view.getFloat32(0) : half(view.getUint16(0));
    const shorter = width === 3 ? Math.fround(value) === value : width === 2 && isHalf(value);
    must(Number.isFinite(value) && !shorter && !Number.isSafeInteger(value));
    return new Float(value, width);
  }

  #take(length: number): Uint8Array {
    must(this.#at + length <= this.#bytes.length);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

function half(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const magnitude =
    exponent === 0 ? (bits & 1023) * 2 ** -24 : (1024 + (bits & 1023)) * 2 ** (exponent - 25);
  return exponent === 31 ? Number.NaN : bits >> 15 === 0 ? magnitude : -magnitude;
}

function isHalf(value: number): boolean {
  const magnitude = Math.abs(value);
  const exponent = Math.max(-14, Math.floor(Math.log2(magnitude)));
  return magnitude <= 65_504 && Number.isInteger(magnitude / 2 ** (exponent - 10));
}

/** A schema (11.1), as read from its description. */
type Schema =
  | {
      readonly kind: "leaf";
      readonly type: string;
      readonly default: Item;
      readonly optional: boolean;
    }
  | { readonly kind: "text" | "counter" }
  | { readonly kind: "set" | "list" | "log" | "map"; readonly item: Schema }
  | { readonly kind: "struct"; readonly fields: ReadonlyMap<string, Schema> };

/** Takes one schema off the front of a description. */
function readSchema(parts: Item[]): Schema {
  const kind = parts.shift();
  if (kind === "leaf") {
    const [type, value, optional] = parts.splice(0, 3);
    return { kind, type: String(type), default: value ?? null, optional: optional === true };
  }
  if (kind === "set" || kind === "list" || kind === "log" || kind === "map")
    return { kind, item: readSchema(parts) };
  if (kind !== "struct") return { kind: kind === "text" ? kind : "counter" };
  const fields = new Map<string, Schema>();
  for (let rest = Number(parts.shift()); rest > 0; rest--)
    fields.set(String(parts.shift()), readSchema(parts));
  return { kind, fields };
}

function fitsLeaf(type: string, value: Item): boolean {
  const safe = typeof value === "bigint" && Number.isSafeInteger(Number(value));
  switch (type) {
    case "string":
      return typeof value === "string";
    case "number":
      return safe || value instanceof Float;
    case "integer":
      return safe;
    case "bigint":
      return typeof value === "bigint";
    case "boolean":
      return typeof value === "boolean";
    case "bytes":
      return value instanceof Uint8Array;
    default:
      return true;
  }
}

/** Section 11.3. */
function fits(schema: Schema, content: Item): boolean {
  if (schema.kind === "leaf") return fitsLeaf(schema.type, content);
  if (schema.kind !== "struct") return content === null;
  if (!(content instanceof Map)) return false;
  return [...content].every(([name, value]) => {
    const field = schema.fields.get(name);
    return (field?.kind === "leaf" || field?.kind === "struct") && fits(field, value);
  });
}

/** What elements belong to: a list, a text, a set, a leaf, or a key of a map. */
interface Home {
  readonly role: Schema["kind"] | "key";
  /** The schema of what an element holds. */
  readonly item: Schema;
  /** The element of a leaf's first assignment. */
  readonly first: Element | null;
  /** Assignments or additions that stand. */
  readonly standing: Map<Element, Item>;
}

/** A container (12.1). */
interface Node extends Home {
  readonly schema: Schema;
  /** What a struct was made with, by which element. */
  readonly content: ReadonlyMap<string, Item>;
  readonly maker: Element | null;
  /** Right children of the root of a sequence. */
  readonly top: Element[];
  readonly fields: Map<string, Node>;
  readonly keys: Map<string, Home>;
  sum: bigint;
}

interface Element {
  readonly change: Change;
  readonly index: number;
  readonly children: readonly [left: Element[], right: Element[]];
  home: Home | null;
  content: Item;
  /** The encoding of the content, in hex. */
  raw: string;
  visible: boolean;
  node: Node | null;
}

/** Section 12. */
class Fold {
  readonly #applied: ReadonlyMap<string, Change>;
  readonly #elements = new Map<string, Element[]>();
  readonly #root: Node;

  constructor(schema: Schema, applied: ReadonlyMap<string, Change>) {
    this.#applied = applied;
    this.#root = newNode(schema, undefined, null);
    const order = [...applied.values()].sort(
      (a, b) => a.lamport - b.lamport || (a.id < b.id ? -1 : 1),
    );
    for (const change of order) this.#foldChange(change);
  }

  json(): string {
    return viewOf(this.#root) ?? "null";
  }

  #foldChange(change: Change): void {
    if (change.ops.some(({ detached }) => detached)) return;
    const elements = Array.from({ length: madeBy(change) }, (_, index) =>
      newElement(change, index),
    );
    this.#elements.set(change.id, elements);
    let made = 0;
    for (const op of change.ops) {
      const scope = { change, made };
      made += op.made;
      // What cannot be resolved, or has not the form that its kind wants, makes the op inert.
      try {
        this.#foldOp(scope, op, elements.slice(scope.made, made));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
  }

  /** One op (6.4, 6.5); `own` are the elements that it makes. */
  #foldOp(scope: Scope, { kind, made, targets, content, raw }: WireOp, own: Element[]): void {
    switch (kind) {
      case 1:
      case 2:
        return this.#insert(scope, kind, targets, content, own);
      case 3: {
        must(made === 0 && content === null && targets.length > 0);
        for (const element of this.#ranges(scope, targets)) if (element !== null) remove(element);
        return;
      }
      case 4: {
        must(made === 1 || (made === 0 && content === null));
        const register = this.#register(scope, targets[0]);
        const replaced = this.#ranges(scope, targets.slice(1));
        must(replaced.length <= 64 && depthOf(content) <= 64);
        must(
          replaced.every(
            (old) => old !== null && (old.home === register || old === register.first),
          ),
        );
        must(made === 0 || fits(register.item, content));
        for (const old of replaced) register.standing.delete(old!);
        for (const element of own) {
          for (const other of register.standing.keys()) {
            if (other.change === scope.change) register.standing.delete(other);
          }
          Object.assign(element, { home: register, content });
          register.standing.set(element, content);
        }
        return;
      }
      case 5: {
        must(made === 0 && targets.length === 1 && typeof content === "bigint");
        const counter = this.#place(scope, targets[0]);
        must(counter.role === "counter" && BigInt.asIntN(64, content) === content);
        counter.sum += content;
        return;
      }
      case 6: {
        const set = this.#place(scope, targets[0]);
        const replaced = this.#ranges(scope, targets.slice(1));
        must(made === 1 && set.role === "set" && depthOf(content) <= 64 && fits(set.item, content));
        must(replaced.length <= 64 && replaced.every((old) => old !== null && old.home === set));
        for (const old of replaced) set.standing.delete(old!);
        Object.assign(own[0]!, { home: set, raw });
        set.standing.set(own[0]!, content);
      }
    }
  }

  #insert(scope: Scope, kind: 1 | 2, targets: Item[], content: Item, own: Element[]): void {
    let home: Home | null;
    let siblings: Element[];
    if (targets.length === 1) {
      const node = this.#place(scope, targets[0]);
      home = node;
      siblings = node.top;
    } else {
      const [side, ...target] = targets;
      must(side === 0n || side === 1n);
      const parent = this.#element(scope, target);
      home = parent.home;
      siblings = parent.children[side === 0n ? 0 : 1];
    }
    const roles = kind === 1 ? ["list", "log"] : ["text"];
    must(home !== null && roles.includes(home.role) && own.length > 0);
    must(kind === 1 ? Array.isArray(content) : typeof content === "string");
    const contents: Item[] = Array.isArray(content) ? content : [...(content as string)];
    must(contents.length === own.length && contents.every((value) => depthOf(value) <= 64));
    const visible = kind === 2 || contents.every((value) => fits(home.item, value));
    own.forEach((element, i) => {
      Object.assign(element, { home, visible, content: contents[i] });
      siblings.push(element);
      siblings = element.children[1];
    });
  }

  /** The line from the change `back` steps before the one that a ref names up to that one (6.3). */
  #line({ change }: Scope, ref: number, back: number): Change[] {
    const id = ref === 1 ? change.prev : [...change.parents, ...change.refs][ref - 2];
    must(id != null);
    const line = [this.#applied.get(id)!];
    while (line.length <= back) {
      const { prev } = line[0]!;
      must(prev !== null);
      line.unshift(this.#applied.get(prev)!);
    }
    return line;
  }

  #element(scope: Scope, target: Item[]): Element {
    const [ref, back, index] = counts(target, 3) as [number, number, number];
    must(ref > 0 || (back === 0 && index < scope.made));
    const change = ref === 0 ? scope.change : this.#line(scope, ref, back)[0]!;
    const element = this.#elements.get(change.id)?.[index];
    must(element !== undefined);
    return element;
  }

  /** The elements in ranges, one after another; null for those of detached changes. */
  #ranges(scope: Scope, numbers: Item[]): (Element | null)[] {
    const found: (Element | null)[] = [];
    must(numbers.length % 4 === 0);
    for (let i = 0; i < numbers.length; i += 4) {
      const range = counts(numbers.slice(i, i + 4), 4) as [number, number, number, number];
      const [ref, back, first, count] = range;
      must(count > 0 && (ref > 0 || (back === 0 && first + count <= scope.made)));
      const line = ref === 0 ? [scope.change] : this.#line(scope, ref, back);
      must(first < madeBy(line[0]!));
      const all = line.flatMap(
        (change) =>
          this.#elements.get(change.id) ?? Array.from({ length: madeBy(change) }, () => null),
      );
      must(first + count <= all.length);
      for (let at = first; at < first + count; at++) found.push(all[at]!);
    }
    return found;
  }

  #place(scope: Scope, place: Item | undefined): Node {
    const { start, names } = this.#readPlace(scope, place);
    return names.reduce(fieldOf, start);
  }

  /** The register of an assign: a leaf, or a key of a map. */
  #register(scope: Scope, place: Item | undefined): Home {
    const { start, names } = this.#readPlace(scope, place);
    const last = names.at(-1);
    const node = names.slice(0, -1).reduce(fieldOf, start);
    if (last !== undefined && node.role === "map") {
      const key = node.keys.get(last) ?? newHome("key", node.item, null);
      node.keys.set(last, key);
      return key;
    }
    const leaf = last === undefined ? node : fieldOf(node, last);
    must(leaf.role === "leaf");
    return leaf;
  }

  #readPlace(scope: Scope, place: Item | undefined): { start: Node; names: string[] } {
    must(Array.isArray(place));
    const isOwned = typeof place[0] === "bigint";
    const names = place.slice(isOwned ? 3 : 0).map((name) => {
      must(typeof name === "string" && Buffer.byteLength(name) <= 1_024);
      return name;
    });
    if (!isOwned) return { start: this.#root, names };
    const owner = this.#element(scope, place.slice(0, 3));
    const { home } = owner;
    must(home?.role === "list" || (home?.role === "key" && home.item.kind !== "leaf"));
    return { start: ownedBy(owner), names };
  }
}

/** What an op's targets are resolved for: its change, and how many elements the earlier ops of it have made. */
interface Scope {
  readonly change: Change;
  readonly made: number;
}

/** Section 12.2. */
function remove(element: Element): void {
  if (element.home?.role === "log") return;
  element.visible = false;
  element.home?.standing.delete(element);
}

function newElement(change: Change, index: number): Element {
  const children: [Element[], Element[]] = [[], []];
  return {
    change,
    index,
    children,
    home: null,
    content: null,
    raw: "",
    visible: false,
    node: null,
  };
}

function newHome(role: Home["role"], item: Schema, first: Element | null): Home {
  return { role, item, first, standing: new Map() };
}

/** A container made by an element with some content, or without any (undefined). */
function newNode(schema: Schema, content: Item | undefined, maker: Element | null): Node {
  const first = schema.kind === "leaf" && content !== undefined ? maker : null;
  const home = newHome(schema.kind, "item" in schema ? schema.item : schema, first);
  if (first !== null) home.standing.set(first, content!);
  return {
    ...home,
    schema,
    content: content instanceof Map ? content : new Map<string, Item>(),
    maker,
    top: [],
    fields: new Map(),
    keys: new Map(),
    sum: 0n,
  };
}

/** The container that an item of a list, or an assignment to a key, owns. */
function ownedBy(element: Element): Node {
  element.node ??= newNode(element.home!.item, element.content, element);
  return element.node;
}

function fieldOf(node: Node, name: string): Node {
  const { schema } = node;
  must(schema.kind === "struct");
  const field = schema.fields.get(name);
  must(field !== undefined);
  const known = node.fields.get(name) ?? newNode(field, node.content.get(name), node.maker);
  node.fields.set(name, known);
  return known;
}

/** The JSON of the view of a container (13); undefined for nothing. */
function viewOf(node: Node): string | undefined {
  const { schema, standing } = node;
  switch (schema.kind) {
    case "leaf": {
      if (standing.size === 0) return schema.optional ? undefined : jsonOf(schema.default, schema);
      return jsonOf(standing.get(greatest(standing))!, schema);
    }
    case "text":
      return JSON.stringify(
        walk(node.top)
          .map(({ content }) => content)
          .join(""),
      );
    case "counter":
      return `"${node.sum}"`;
    case "set": {
      const values = new Map(
        [...standing].map(([{ raw }, value]) => [raw, jsonOf(value, schema.item)]),
      );
      return `[${[...values.keys()]
        .sort()
        .map((raw) => values.get(raw)!)
        .join()}]`;
    }
    case "log":
    case "list": {
      const { item } = schema;
      return `[${walk(node.top)
        .map((element) => {
          return (
            viewOf(ownedBy(element)) ?? (item.kind === "leaf" ? jsonOf(item.default, item) : "null")
          );
        })
        .join()}]`;
    }
    case "map":
      return objectOf(
        [...node.keys]
          .filter(([, key]) => key.standing.size > 0)
          .map(([name, key]) => {
            const shown = greatest(key.standing);
            const { item } = schema;
            return [
              name,
              item.kind === "leaf"
                ? jsonOf(key.standing.get(shown)!, item)
                : viewOf(ownedBy(shown)),
            ];
          }),
      );
    case "struct":
      return objectOf([...schema.fields.keys()].map((name) => [name, viewOf(fieldOf(node, name))]));
  }
}

/** The visible elements of a sequence in order (12.5). */
function walk(top: readonly Element[]): Element[] {
  const order: Element[] = [];
  const descending = (siblings: readonly Element[]): Element[] =>
    siblings.toSorted((a, b) => compareKeys(b, a));
  // What is still to do, last first: an element to open, or one whose left side is done.
  const open = descending(top)
    .toReversed()
    .map((element) => ({ element, isOpen: false }));
  for (let step = open.pop(); step !== undefined; step = open.pop()) {
    const { element, isOpen } = step;
    if (isOpen && element.visible) order.push(element);
    const side = descending(element.children[isOpen ? 1 : 0]);
    if (!isOpen) open.push({ element, isOpen: true });
    for (const child of side.toReversed()) open.push({ element: child, isOpen: false });
  }
  return order;
}

function greatest(standing: ReadonlyMap<Element, Item>): Element {
  return [...standing.keys()].reduce((a, b) => (compareKeys(a, b) > 0 ? a : b));
}

/** Compares keys: lamport, change id, index (12). */
function compareKeys(a: Element, b: Element): number {
  const difference = a.change.lamport - b.change.lamport;
  if (difference !== 0) return difference;
  return a.change.id === b.change.id ? a.index - b.index : a.change.id < b.change.id ? -1 : 1;
}

/** The JSON of a value under a leaf's schema. */
function jsonOf(value: Item, leaf: Schema): string {
  if (typeof value === "bigint") {
    const isPlain =
      Number.isSafeInteger(Number(value)) && !(leaf.kind === "leaf" && leaf.type === "bigint");
    return isPlain ? String(value) : `"${value}"`;
  }
  if (value instanceof Float) return String(value.value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString("base64url")}"`;
  if (Array.isArray(value)) return `[${value.map((item) => jsonOf(item, leaf)).join()}]`;
  if (value instanceof Map)
    return objectOf([...value].map(([key, item]) => [key, jsonOf(item, leaf)]));
  return JSON.stringify(value);
}

function objectOf(entries: readonly (readonly [string, string | undefined])[]): string {
  const present = entries.filter(([, value]) => value !== undefined);
  present.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${present.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`;
}

function madeBy(change: Change): number {
  return change.ops.reduce((sum, { made }) => sum + made, 0);
}

function depthOf(item: Item): number {
  const inner = item instanceof Map ? [...item.values()] : item;
  return Array.isArray(inner) ? 1 + Math.max(0, ...inner.map(depthOf)) : 0;
}

/** As many counts as there should be. */
function counts(items: readonly Item[], length: number): number[] {
  must(items.length === length);
  return items.map((item) => {
    must(typeof item === "bigint" && item >= 0n && item <= BigInt(Number.MAX_SAFE_INTEGER));
    return Number(item);
  });
}

function tag(name: string): Buffer {
  return Buffer.from(`bft-json-crdt/1 ${name}\0`);
}

function sha256(name: string, bytes: Uint8Array): string {
  return createHash("sha256").update(tag(name)).update(bytes).digest("hex");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function codeOf(error: unknown): string {
  if (error instanceof Refusal) return error.code;
  throw error;
}

function must(condition: boolean): asserts condition {
  if (!condition) throw new Refusal("malformed");
}
