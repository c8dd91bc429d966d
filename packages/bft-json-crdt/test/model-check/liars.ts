/**
 * Scenarios about headers, signatures and groups: wrong links, bad and repeated signatures, covers in overlapping groups,
 * what never comes, and ops that are inert. What the changes do is the same all over: each assigns to a register that
 * shows all its conflicts, and types at one place, so that any change too many or too few is seen.
 */
import { encodeValue } from "../../src/encoding/index.ts";
import { MAX_REPLACED } from "../../src/limits.ts";
import { documentId } from "../../src/change/index.ts";
import { counter, list, string, struct, text } from "../../src/schema/index.ts";
import { bodyOf, bodyValue, forge, op, ops, person, signed } from "../forge.ts";
import type { Forged } from "../forge.ts";
import { Builder } from "./scenario.ts";
import type { Links, Scenario } from "./scenario.ts";

const SCHEMA = struct({ leaf: string(), body: text(), items: list(string()), sum: counter() });

/** Makes changes that leave a trace in the view. */
class Stage extends Builder {
  constructor() {
    super(SCHEMA);
  }

  /** A change of person `who` that assigns its own number and types it. */
  plain(who: number, links: Links = {}): Forged {
    const name = String(this.changes.length);
    return this.make(who, links, () => [ops.assign(["leaf"], name), ops.text(["body"], name)]);
  }

  /** A line of `count` changes of one person, each on top of the one before. */
  line(who: number, count: number, from: Forged | null = null): Forged[] {
    const line: Forged[] = [];
    for (let prev = from; line.length < count; line.push(prev)) prev = this.plain(who, { prev });
    return line;
  }
}

/** Each by its name; a scene makes at most seven deliveries, most important ones first. */
const SCENES: Readonly<Record<string, (stage: Stage) => void>> = {
  "one long line": (stage) => {
    stage.live(...stage.line(1, 7));
  },
  "lamports of one's own choice": (stage) => {
    const [a] = stage.line(1, 1);
    const high = stage.plain(2, { parents: [a!], lies: { lamport: 2 ** 53 - 3 } });
    const onHigh = stage.plain(2, { prev: high });
    const answer = stage.plain(3, { parents: [a!, high] });
    const low = stage.plain(4, { parents: [a!], lies: { lamport: 1 } });
    const honest = stage.plain(2, { parents: [a!] });
    const last = stage.plain(5, { refs: [answer] });
    stage.live(high, answer, a!, low, honest, onHigh, last);
  },
  "wrong links": (stage) => {
    const [a] = stage.line(1, 1);
    const foreign = stage.plain(2, { prev: a! });
    const skip = stage.plain(1, { prev: a!, lies: { seq: 3 } });
    const otherChain = stage.plain(1, { prev: a!, chain: 5n });
    const back = stage.plain(1, { prev: a!, lies: { seq: 2 ** 53 - 1 } });
    const onForeign = stage.plain(3, { parents: [foreign] });
    const good = stage.plain(1, { prev: a! });
    stage.live(a!, foreign, onForeign, good, skip, otherChain, back);
  },
  "wrong links within one group": (stage) => {
    const [a] = stage.line(1, 1);
    const foreign = stage.plain(2, { prev: a! });
    const skip = stage.plain(1, { prev: a!, lies: { seq: 3 } });
    const otherChain = stage.plain(1, { prev: a!, chain: 5n });
    const good = stage.plain(1, { prev: a! });
    stage.group([a!, "none"], foreign).group([a!, "none"], skip, good).group(a!, otherChain);
    stage.live(skip).group([a!, "none"], good).group(a!, foreign, skip).group(otherChain, a!);
  },
  "wrong in the link and in the lamport": (stage) => {
    const [a, b] = stage.line(1, 2);
    const both = stage.plain(2, { prev: b!, lies: { lamport: 7 } });
    const onBoth = stage.plain(2, { prev: both, parents: [b!] });
    const onMissing = stage.plain(3, { parents: [onBoth], refs: [stage.plain(8)] });
    const good = stage.plain(3, { parents: [b!] });
    const last = stage.plain(3, { prev: good, parents: [onMissing] });
    stage.live(b!, both, onMissing, a!, last, onBoth, good);
  },
  "changes of another document": (stage) => {
    const [a] = stage.line(1, 1);
    const lies = { document: documentId("another") };
    const foreign = stage.plain(1, { prev: a!, lies });
    const onForeign = stage.plain(1, { prev: foreign });
    const others = stage.plain(2, { lies });
    const onOthers = stage.plain(3, { parents: [others, a!] });
    const good = stage.plain(1, { prev: a! });
    stage.live(foreign, onForeign, a!, onOthers, others, good, stage.plain(4, { refs: [good] }));
  },
  "bytes that are not canonical": (stage) => {
    const [a] = stage.line(1, 1);
    const author = person(2);
    const { header } = forge({ document: a!.header.document, author, parents: [a!] });
    const trailing = stage.take(
      signed(new Uint8Array([...bodyOf(header, []), 0]), header, author),
      "malformed",
    );
    const twice = { ...header, parents: [a!.id, a!.id] };
    const unsorted = stage.take(signed(bodyOf(twice, []), twice, author), "malformed");
    const onTrailing = stage.plain(2, { prev: trailing });
    const good = stage.plain(2, { parents: [a!] });
    const onBoth = stage.plain(3, { parents: [trailing, good] });
    stage.live(trailing, onTrailing, a!, good, unsorted, onBoth).junk(Uint8Array.of(0x81, 0x82, 0));
  },
  "a version that nobody knows": (stage) => {
    const [a] = stage.line(1, 1);
    const author = person(2);
    const { header } = forge({ document: a!.header.document, author, parents: [a!] });
    const body = encodeValue([2, ...bodyValue(header, []).slice(1)]);
    const newer = stage.take(signed(body, header, author), "unsupported_version");
    const onNewer = stage.plain(2, { prev: newer });
    const onThat = stage.plain(3, { parents: [onNewer, a!] });
    const good = stage.plain(3, { parents: [a!] });
    const bad = stage.plain(4, { parents: [good], lies: { lamport: 9 } });
    stage.live(newer, onNewer, a!, onThat, good, bad, stage.plain(5, { parents: [bad, onThat] }));
  },
  "bad signatures beside good ones": (stage) => {
    const [a, b] = stage.line(1, 2);
    const c = stage.plain(2, { parents: [b!] });
    stage.group([b!, "bad"]).group([a!, "stranger's"], b!).live(a!).group([b!, "another"]).live(c);
    stage.group([a!, "bad"], [c, "another"]);
    stage.group(a!, [b!, "bad"], [b!, "stranger's"], b!, [b!, "none"]);
  },
  "somebody else's name": (stage) => {
    const [a] = stage.line(1, 1);
    // Alice never made it, and nobody can sign it for her.
    const forged = stage.plain(1, { prev: a! });
    const onForged = stage.plain(9, { parents: [forged] });
    const real = stage.plain(1, { prev: a! });
    const answer = stage.plain(2, { parents: [real] });
    stage.group([forged, "stranger's"]).live(onForged, a!).group(a!, [forged, "none"], real);
    stage.group([forged, "none"], onForged).live(answer).group([real, "none"], answer);
  },
  "covers in overlapping groups": (stage) => {
    const [a, b, c, d] = stage.line(1, 4);
    stage.group([a!, "none"], b!).group(b!).group([a!, "none"]);
    stage.group([b!, "none"], [c!, "none"], d!).group([a!, "none"], [b!, "none"], c!);
    stage.group([c!, "none"], d!).group([a!, "none"], [d!, "bad"]);
  },
  "covers with holes": (stage) => {
    const [a, b, c, d, e] = stage.line(1, 5);
    stage.group([a!, "none"], [c!, "none"], d!).group([a!, "none"], b!).live(c!);
    stage.group([b!, "none"], [c!, "none"], [d!, "none"], e!);
    stage.group([a!, "none"], [b!, "bad"], [c!, "none"], d!).group(d!, [c!, "none"]).live(e!);
  },
  "covers on the branches of a fork": (stage) => {
    const [a, b, c] = stage.line(1, 3);
    const [b2, c2] = stage.line(1, 2, a);
    stage.group([a!, "none"], [b!, "none"], [b2!, "none"], c!, c2!).group([a!, "none"], b2!);
    stage.group(c!).group([b2!, "none"], c2!).group([a!, "none"], [b!, "none"], c!);
    stage.group([b!, "none"], c!, [b2!, "none"]).group(c2!);
  },
  "covers of two who answer one another": (stage) => {
    const a1 = stage.plain(1);
    const b1 = stage.plain(2, { parents: [a1] });
    const a2 = stage.plain(1, { prev: a1, parents: [b1] });
    const b2 = stage.plain(2, { prev: b1, parents: [a2] });
    const a3 = stage.plain(1, { prev: a2, parents: [b2] });
    stage.group([a1, "none"], [b1, "none"], a2, b2).group([a1, "none"], a2).live(b1);
    stage.group([a2, "none"], [b2, "none"], a3).group([a1, "none"], [b1, "none"], a2);
    stage.group([b1, "none"], b2).group([b1, "none"], a2, b2, a3);
  },
  "covers that are rejected": (stage) => {
    const [a, b] = stage.line(1, 2);
    const wrong = stage.plain(1, { prev: b!, lies: { lamport: 9 } });
    const onWrong = stage.plain(1, { prev: wrong });
    const c = stage.plain(1, { prev: b! });
    stage.group([a!, "none"], [b!, "none"], wrong).group([a!, "none"], b!);
    stage.group([a!, "none"], [b!, "none"], [wrong, "none"], onWrong).live(a!);
    stage.group([b!, "none"], c).group([wrong, "none"], onWrong).group([b!, "none"], wrong, c);
  },
  "covers that wait": (stage) => {
    const other = stage.plain(2);
    const [a, b] = stage.line(1, 2);
    const c = stage.plain(1, { prev: b!, parents: [other] });
    const d = stage.plain(1, { prev: c, refs: [other] });
    stage.group([a!, "none"], [b!, "none"], c).live(other).group([b!, "none"], [c, "none"], d);
    stage.group([a!, "none"], b!).live(d).group([c, "none"], d);
    stage.group([a!, "none"], [b!, "none"], [c, "none"], [other, "none"], d);
  },
  "groups of good and bad": (stage) => {
    const [a, b] = stage.line(1, 2);
    const wrong = stage.plain(2, { parents: [a!], lies: { lamport: 1 } });
    const onWrong = stage.plain(3, { parents: [wrong, b!] });
    const lost = stage.plain(8);
    const waits = stage.plain(4, { parents: [lost, a!] });
    const good = stage.plain(5, { parents: [b!] });
    stage.group(a!, wrong, onWrong).group(onWrong, waits, b!).group(b!, a!, b!).group(wrong, good);
    stage.group(good, [waits, "bad"]).group(waits).group(a!, b!, good, wrong, waits, onWrong);
  },
  "a fault that shows before what it builds on comes": (stage) => {
    const [a] = stage.line(1, 1);
    const wrong = stage.plain(2, { parents: [a!], lies: { lamport: 4 } });
    const onWrong = stage.plain(3, { parents: [wrong] });
    // Next to the change that it builds on, or once that is applied, its lamport is seen to be wrong; else it is rejected
    // for what it builds on.
    const twice = stage.plain(3, { prev: onWrong, lies: { lamport: 9 } });
    const after = stage.plain(4, { parents: [twice, a!] });
    stage.group(onWrong, twice).live(wrong, twice).group([onWrong, "none"], twice).live(a!);
    stage.group(twice, onWrong, after).group(a!, [wrong, "none"], onWrong);
  },
  "a parent that never comes": (stage) => {
    const lost = stage.plain(8);
    const [a] = stage.line(1, 1);
    const waits = stage.plain(2, { parents: [lost] });
    const onWaits = stage.plain(2, { prev: waits, parents: [a!] });
    const both = stage.plain(3, { parents: [a!], refs: [lost, onWaits] });
    const wrong = stage.plain(4, { parents: [lost], lies: { lamport: 9 } });
    const good = stage.plain(5, { parents: [a!] });
    stage.live(waits, a!, onWaits, both, good, wrong, stage.plain(4, { prev: wrong }));
  },
  "a rejected parent beside one that never comes": (stage) => {
    const lost = stage.plain(8);
    const [a] = stage.line(1, 1);
    const wrong = stage.plain(2, { parents: [a!], lies: { lamport: 5 } });
    const both = stage.plain(3, { parents: [wrong, lost] });
    const onBoth = stage.plain(3, { prev: both, refs: [lost] });
    const waits = stage.plain(4, { parents: [lost, a!] });
    const onWaits = stage.plain(4, { prev: waits, refs: [onBoth] });
    stage.live(wrong, both, a!, onBoth, waits, onWaits, stage.plain(5, { parents: [a!] }));
  },
  "redundant parents and two chains": (stage) => {
    const [a, b] = stage.line(1, 2);
    const c = stage.plain(2, { parents: [a!, b!] });
    const other = stage.plain(1, { chain: 5n, parents: [b!] });
    const d = stage.plain(1, { chain: 5n, prev: other, parents: [a!, b!, c], refs: [a!] });
    const e = stage.plain(2, { prev: c, parents: [a!], refs: [b!, other] });
    stage.live(c, a!, other, b!, d, e, stage.plain(1, { prev: b!, parents: [a!, d, e] }));
  },
  "one author on five branches": (stage) => {
    const heads = [0, 1, 2].map(() => stage.plain(9));
    const [a, b] = [stage.plain(9, { prev: heads[1]! }), stage.plain(9, { prev: heads[1]! })];
    const honest = stage.plain(1, { parents: [heads[0]!, a, b] });
    stage.live(
      ...heads,
      a,
      b,
      honest,
      stage.plain(9, { prev: a, parents: [heads[2]!, b, honest] }),
    );
  },
  "ops that are inert": (stage) => {
    const a = stage.make(1, {}, () => [
      ops.assign(["leaf"], "0"),
      ops.text(["body"], "abc"),
      ops.insert(["items"], "x", "y"),
    ]);
    const links = { parents: [a] };
    const misfits = stage.make(2, links, (name) => [
      ops.assign(["leaf"], 1, [...name(a, 0), 1]),
      ops.text(["items"], "no"),
      ops.insert(["body"], "no"),
      ops.increment(["leaf"], 1),
      ops.insertBy(1, name(a, 2), "into a text"),
      ops.textBy(0, name(a, 4), "into a list"),
      ops.assign(["leaf"], "not one of mine", [...name(a, 1), 1]),
    ]);
    const unknown = stage.make(3, links, (name) => [
      op(99, 3, [["leaf"]], "whatever"),
      op(0, 1, [], null),
      op(3, 1, [...name(a, 0), 1], null),
      ops.insertBy(1, name(a, 5), "z"),
    ]);
    const tooMany = stage.make(4, links, (name) => [
      ops.assign(
        ["leaf"],
        "greedy",
        ...Array.from({ length: MAX_REPLACED + 1 }, () => [...name(a, 0), 1] as const),
      ),
    ]);
    const nowhere = stage.make(5, links, (name) => [
      ops.remove([...name(a, 2), 1_000]),
      ops.remove([9, 0, 0, 1]),
      ops.insertBy(1, [2, 7, 0], "no"),
      ops.assign(["leaf", "deeper"], "no"),
      ops.increment(["sum"], 2n ** 63n),
    ]);
    const detached = stage.make(6, links, () => [
      ops.increment(["sum"], 1),
      op(1, 2, [["items"]], 9, new Uint8Array(32)),
    ]);
    const onAll = stage.make(
      2,
      { prev: misfits, parents: [unknown, detached], refs: [a] },
      (name) => [
        ops.assign(["leaf"], "7", [...name(misfits, 0), 1]),
        ops.insertBy(0, name(unknown, 4), "beside z"),
        ops.insertBy(0, name(detached, 0), "beside nothing"),
        ops.remove([...name(a, 1), 1], [...name(detached, 0), 2]),
      ],
    );
    stage.live(a, misfits, unknown, nowhere, onAll, tooMany, detached);
  },
  "replaced by the dozen": (stage) => {
    const plains = [1, 2, 3].map((who) => stage.plain(who));
    const replacing = (who: number, count: number): Forged =>
      stage.make(who, { parents: plains }, (name) => [
        ops.assign(
          ["leaf"],
          `${count}`,
          ...Array.from({ length: count }, (_, i) => [...name(plains[i % 3]!, 0), 1] as const),
        ),
      ]);
    const most = replacing(4, MAX_REPLACED);
    const tooMany = replacing(5, MAX_REPLACED + 1);
    const onInert = stage.make(4, { prev: most, parents: [tooMany] }, (name) => [
      ops.assign(["leaf"], "on what is inert", [...name(tooMany, 0), 1]),
    ]);
    stage.live(plains[0]!, most, plains[1]!, plains[2]!, tooMany, onInert);
    stage.live(stage.plain(6, { parents: [plains[1]!] }));
  },
};

/** Each scene as a scenario. */
export function liarScenarios(): Scenario[] {
  return Object.entries(SCENES).map(([name, play]) => {
    const stage = new Stage();
    play(stage);
    return stage.scenario(name);
  });
}
