/**
 * Scenarios by chance, each the same for the same seed: any edits through the public API and any hostile ops, by honest
 * authors, one who equivocates and a forger; and histories without content whose authors fork, lie and link wrongly.
 */
import fc from "fast-check";
import { changeId, decodeBody, decodeGroup } from "../../src/change/index.ts";
import { Document } from "../../src/document/index.ts";
import { toHex } from "../../src/encoding/index.ts";
import {
  counter,
  json,
  list,
  map,
  optional,
  set,
  string,
  struct,
  text,
} from "../../src/schema/index.ts";
import type { Schema } from "../../src/schema/index.ts";
import { person } from "../forge.ts";
import type { Forged } from "../forge.ts";
import { anyWorld } from "../history-model.ts";
import { forgeRandom } from "../hostile.ts";
import { NaiveDocument } from "../naive-document.ts";
import { Choices, edit } from "../random-edits.ts";
import { Builder, DOCUMENT } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";

/** Changes of one scenario. */
const CHANGES = 7;

/** Everything that can nest in a few containers: a view of it is made after every delivery. */
const SCHEMA: Schema = struct({
  leaf: string(),
  text: text(),
  items: list(struct({ name: optional(string()), body: text(), tags: set(string()) })),
  map: map(map(json())),
  sum: counter(),
});

/** One scenario for each seed. */
export function randomScenario(seed: number): Scenario {
  return seed % 3 === 0 ? randomHistory(seed) : randomDocument(seed);
}

function randomHistory(seed: number): Scenario {
  const [world] = fc.sample(
    anyWorld(DOCUMENT, CHANGES).filter(({ length }) => length === CHANGES),
    { seed, numRuns: 1 },
  );
  const builder = new Builder(SCHEMA);
  const changes = new Map(world!.map((change) => [change.hex, change]));
  for (const change of changes.values()) builder.live(builder.take(change));
  return builder.scenario(`random history ${seed}`);
}

function randomDocument(seed: number): Scenario {
  const choices = new Choices(seed);
  // The last two are one author, who does not tell the one what the other does.
  const documents = [1, 2, 3, 3].map(
    (who) =>
      new Document<Schema>({ schema: SCHEMA, id: DOCUMENT, keyPair: person(who), chain: 0n }),
  );
  const builder = new Builder(SCHEMA);
  while (builder.changes.length < CHANGES) {
    const document = choices.pick(documents);
    for (const { group } of builder.changes) if (!choices.oneIn(3)) document.receive(group);
    const bytes = choices.oneIn(2) ? honest(document, choices) : forged(document, choices);
    document.receive(bytes);
    const change = changeIn(bytes);
    if (builder.changes.every(({ hex }) => hex !== change.hex)) builder.live(builder.take(change));
  }
  return builder.scenario(`random document ${seed}`);
}

function honest(document: Document<Schema>, choices: Choices): Uint8Array {
  const change = document.change(
    (root) => {
      for (let n = 1 + choices.below(3); n > 0; n--) edit(SCHEMA, root, choices);
    },
    { time: choices.below(1_000) },
  );
  return change.bytes;
}

function forged({ history }: Document<Schema>, choices: Choices): Uint8Array {
  const bodies = Array.from({ length: history.length }, (_, index) => history.bodyAt(index));
  const links = {
    keyPair: person(9),
    ...(choices.oneIn(3) ? { parents: [] } : {}),
    ...(choices.oneIn(3) ? { prev: null } : {}),
  };
  return forgeRandom(history, new NaiveDocument(SCHEMA, bodies), links, choices).bytes;
}

function changeIn(group: Uint8Array): Forged {
  const entries = decodeGroup(group);
  const [entry] = entries.ok ? entries.value : [];
  const header = decodeBody(entry!.body);
  if (!header.ok) throw new Error(header.error.detail);
  const { body, signature } = entry!;
  const id = changeId(body);
  return { id, hex: toHex(id), header: header.value, body, signature: signature!, group };
}
