// docs/coming-from.md: each call of other libraries that its table names is there, and does what the row says.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import * as A from "@automerge/automerge";
import { LoroCounter, LoroDoc, LoroList, LoroMap, LoroText } from "loro-crdt";
import { expect, test } from "vitest";
import * as Y from "yjs";

const page = readFileSync(new URL("../../docs/coming-from.md", import.meta.url), "utf8");

type Check = () => void | Promise<void>;

/** A document of Yjs with a map. */
function yjs(): { doc: Y.Doc; ymap: Y.Map<unknown> } {
  const doc = new Y.Doc();
  return { doc, ymap: doc.getMap("m") };
}

/** Another document of Yjs with what an update says. */
function yjsFrom(...updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc;
}

const observed = (isDeep: boolean) => (): void => {
  const { doc } = yjs();
  const outer = doc.getArray<Y.Text>("a");
  const [flat, deep] = [[] as number[], [] as number[]];
  outer.observe(({ changes }) => flat.push(changes.delta.length));
  outer.observeDeep((events) => deep.push(events.length));
  outer.push([new Y.Text("a")]);
  outer.get(0).insert(1, "b");
  expect(isDeep ? deep : flat).toEqual(isDeep ? [1, 1] : [1]);
};

const YJS: { readonly [call: string]: Check } = {
  "new Y.Doc()": () => expect(new Y.Doc().toJSON()).toEqual({}),
  "Y.Map": () => {
    const { doc, ymap } = yjs();
    ymap.set("key", new Y.Map([["a", 1]]));
    // A string, and any JSON, are values like any other.
    ymap.set("json", { a: [1, { b: null }] });
    ymap.set("text", "one");
    expect(ymap).toBeInstanceOf(Y.Map);
    expect(doc.toJSON()).toEqual({
      m: { key: { a: 1 }, json: { a: [1, { b: null }] }, text: "one" },
    });
  },
  'ymap.set("k", v)': () => {
    const { doc, ymap } = yjs();
    ymap.set("k", 1);
    expect(doc.toJSON()).toEqual({ m: { k: 1 } });
  },
  'ymap.get("k")': () => {
    const { ymap } = yjs();
    ymap.set("k", 1);
    expect(ymap.get("k")).toBe(1);
  },
  "Y.Array": () => {
    const list = yjs().doc.getArray("a");
    list.push([1, 3]);
    list.insert(1, [2]);
    expect([list instanceof Y.Array, list.toArray()]).toEqual([true, [1, 2, 3]]);
  },
  "Y.Text": () => {
    const text = yjs().doc.getText("t");
    text.insert(0, "🥛b");
    text.insert(2, "a"); // behind two UTF-16 units
    expect([text instanceof Y.Text, text.toString()]).toEqual([true, "🥛ab"]);
  },
  true: () => {
    const [one, other] = [yjs(), yjs()];
    one.ymap.set("a", true);
    other.ymap.set("a", true);
    other.ymap.set("b", true);
    Y.applyUpdate(one.doc, Y.encodeStateAsUpdate(other.doc));
    expect([...one.ymap.keys()].toSorted()).toEqual(["a", "b"]);
  },
  "doc.transact(fn)": () => {
    const { doc, ymap } = yjs();
    let updates = 0;
    doc.on("update", () => updates++);
    doc.transact(() => {
      ymap.set("a", 1);
      ymap.set("b", 2);
    });
    expect(updates).toBe(1);
  },
  "Y.mergeUpdates": () => {
    const { doc, ymap } = yjs();
    const updates: Uint8Array[] = [];
    doc.on("update", (update: Uint8Array) => updates.push(update));
    for (const key of ["a", "b", "c"]) ymap.set(key, 1);
    expect(updates).toHaveLength(3);
    expect(yjsFrom(Y.mergeUpdates(updates)).getMap("m").toJSON()).toEqual({ a: 1, b: 1, c: 1 });
  },
  "ymap.toJSON()": () => {
    const { ymap } = yjs();
    ymap.set("a", new Y.Array());
    expect(ymap.toJSON()).toEqual({ a: [] });
  },
  'doc.on("update", …)': () => {
    const { doc, ymap } = yjs();
    const other = new Y.Doc();
    doc.on("update", (update: Uint8Array) => Y.applyUpdate(other, update));
    ymap.set("a", 1);
    expect(other.getMap("m").toJSON()).toEqual({ a: 1 });
  },
  "Y.applyUpdate": () => {
    const { doc, ymap } = yjs();
    ymap.set("a", 1);
    expect(yjsFrom(Y.encodeStateAsUpdate(doc)).getMap("m").get("a")).toBe(1);
  },
  observe: observed(false),
  observeDeep: observed(true),
  "Y.encodeStateVector": () => {
    const { doc, ymap } = yjs();
    ymap.set("a", 1);
    const vector = Y.encodeStateVector(doc);
    ymap.set("b", 2);
    const rest = Y.encodeStateAsUpdate(doc, vector);
    expect(rest.length).toBeLessThan(Y.encodeStateAsUpdate(doc).length);
  },
  "Y.encodeStateAsUpdate": () => {
    const { doc, ymap } = yjs();
    ymap.set("a", 1);
    expect(yjsFrom(Y.encodeStateAsUpdate(doc)).getMap("m").toJSON()).toEqual({ a: 1 });
  },
  "Y.createRelativePositionFromTypeIndex": () => {
    const { doc } = yjs();
    const text = doc.getText("t");
    text.insert(0, "ab");
    const place = Y.createRelativePositionFromTypeIndex(text, 1);
    text.insert(0, "xy");
    expect(Y.createAbsolutePositionFromRelativePosition(place, doc)!.index).toBe(3);
  },
  clientID: () => expect(new Y.Doc().clientID).not.toBe(new Y.Doc().clientID),
  "Y.decodeUpdate": () => {
    const { doc, ymap } = yjs();
    ymap.set("a", 1);
    const { structs } = Y.decodeUpdate(Y.encodeStateAsUpdate(doc));
    expect(structs[0]!.id.client).toBe(doc.clientID);
  },
};

interface Note {
  t: string;
  n: A.Counter;
  s: A.ImmutableString;
}

const note = (): A.Doc<Note> =>
  A.from<Note & Record<string, unknown>>({
    t: "ab",
    n: new A.Counter(3),
    s: new A.ImmutableString("one"),
  });

const AUTOMERGE: { readonly [call: string]: Check } = {
  "A.init()": () => expect(A.init<object>()).toEqual({}),
  "A.from(…)": () => {
    const doc = A.from({ object: { a: 1 }, array: [1, 2] });
    expect(doc).toEqual({ object: { a: 1 }, array: [1, 2] });
  },
  "doc.k = v": () => {
    const doc = A.change(A.from({ k: 1 }), (edited) => (edited.k = 2));
    expect(doc).toEqual({ k: 2 });
  },
  "doc.k": () => expect(A.from({ k: 1 }).k).toBe(1),
  "A.splice": () => {
    const doc = A.change(note(), (edited) => A.splice(edited, ["t"], 1, 0, "x"));
    expect(doc.t).toBe("axb");
  },
  "A.ImmutableString": () => {
    const one = note();
    const other = A.change(A.clone(one), (doc) => (doc.s = new A.ImmutableString("two")));
    const merged = A.merge(
      A.change(one, (doc) => (doc.s = new A.ImmutableString("three"))),
      other,
    );
    // As a whole, with a conflict.
    expect(Object.values(A.getConflicts(merged, "s")!).map(String).toSorted()).toEqual([
      "three",
      "two",
    ]);
  },
  "A.Counter": () => {
    const one = note();
    const other = A.change(A.clone(one), (doc) => doc.n.increment(2));
    const merged = A.merge(
      A.change(one, (doc) => doc.n.increment(1)),
      other,
    );
    expect(merged.n.value).toBe(6);
  },
  "A.change(doc, fn)": () => {
    const doc = note();
    const changed = A.change(doc, (edited) => (edited.t = "new"));
    expect([doc.t, changed.t]).toEqual(["ab", "new"]);
  },
  "A.saveSince": () => {
    const one = note();
    const other = A.clone(one);
    let more = A.change(one, (doc) => A.splice(doc, ["t"], 2, 0, "c"));
    more = A.change(more, (doc) => A.splice(doc, ["t"], 3, 0, "d"));
    expect(A.loadIncremental(other, A.saveSince(more, A.getHeads(one))).t).toBe("abcd");
  },
  "A.getLastLocalChange": () => {
    const doc = A.change(note(), (edited) => (edited.t = "x"));
    expect(A.getLastLocalChange(doc)).toEqual(A.getAllChanges(doc).at(-1));
  },
  "A.applyChanges": () => {
    const doc = note();
    const [other] = A.applyChanges(A.init<Note>(), A.getAllChanges(doc));
    expect(other).toEqual(doc);
  },
  patchCallback: () => {
    const patches: A.Patch[] = [];
    const doc = note();
    A.change(doc, { patchCallback: (more) => patches.push(...more) }, (edited) => {
      A.splice(edited, ["t"], 0, 0, "x");
    });
    expect(patches).toMatchObject([{ action: "splice", path: ["t", 0], value: "x" }]);
  },
  "A.getHeads": () => {
    const one = note();
    const other = A.merge(A.init<Note>(), one);
    expect(A.getHeads(other)).toEqual(A.getHeads(one));
    expect(A.getHeads(A.change(one, (doc) => (doc.t = "x")))).not.toEqual(A.getHeads(one));
  },
  "A.save": () => expect(A.load(A.save(note()))).toEqual(note()),
  "A.load": () => expect(A.load<Note>(A.save(note())).n.value).toBe(3),
  "A.merge": () => expect(A.merge(A.init<Note>(), note())).toEqual(note()),
  "A.generateSyncMessage": () => {
    let [one, other] = [note(), A.init<Note>()];
    let [mine, theirs] = [A.initSyncState(), A.initSyncState()];
    for (let turn = 0; turn < 5; turn++) {
      const [sent, message] = A.generateSyncMessage(one, mine);
      mine = sent;
      if (message !== null) [other, theirs] = A.receiveSyncMessage(other, theirs, message);
      const [answered, answer] = A.generateSyncMessage(other, theirs);
      theirs = answered;
      if (answer !== null) [one, mine] = A.receiveSyncMessage(one, mine, answer);
    }
    expect(other).toEqual(one);
  },
  "A.getCursor": () => {
    const doc = note();
    const cursor = A.getCursor(doc, ["t"], 1);
    const longer = A.change(doc, (edited) => A.splice(edited, ["t"], 0, 0, "xy"));
    expect(A.getCursorPosition(longer, ["t"], cursor)).toBe(3);
  },
  "A.getActorId": () => {
    const doc = note();
    expect(A.getActorId(doc)).toMatch(/^[0-9a-f]{32}$/u);
    expect(A.getActorId(A.clone(doc))).not.toBe(A.getActorId(doc));
  },
  "A.getConflicts": () => {
    const one = note();
    const other = A.change(A.clone(one), (doc) => (doc.t = "x"));
    const merged = A.merge(
      A.change(one, (doc) => (doc.t = "y")),
      other,
    );
    expect(Object.values(A.getConflicts(merged, "t")!).toSorted()).toEqual(["x", "y"]);
  },
  "A.getAllChanges": () => expect(A.getAllChanges(note())).toHaveLength(1),
  "A.inspectChange": () => {
    const doc = note();
    const [hash] = A.getHeads(doc);
    expect(A.inspectChange(doc, hash!)!.actor).toBe(A.getActorId(doc));
  },
  "A.clone": () => {
    const doc = note();
    const copy = A.change(A.clone(doc), (edited) => (edited.t = "x"));
    expect([doc.t, copy.t]).toEqual(["ab", "x"]);
  },
};

/** A document of Loro with a map, committed. */
function loro(): LoroDoc {
  const doc = new LoroDoc();
  doc.getMap("m").set("a", 1);
  doc.commit();
  return doc;
}

function loroFrom(bytes: Uint8Array): LoroDoc {
  const doc = new LoroDoc();
  doc.import(bytes);
  return doc;
}

const LORO: { readonly [call: string]: Check } = {
  "new LoroDoc()": () => expect(new LoroDoc().toJSON()).toEqual({}),
  LoroMap: () => {
    const map = loro().getMap("m");
    expect(map).toBeInstanceOf(LoroMap);
    map.setContainer("key", new LoroMap()).set("b", 2);
    // A string, and any JSON, are values like any other.
    map.set("json", { a: [1, { b: null }] });
    map.set("text", "one");
    expect(map.toJSON()).toEqual({
      a: 1,
      key: { b: 2 },
      json: { a: [1, { b: null }] },
      text: "one",
    });
  },
  'map.set("k", v)': () => {
    const map = new LoroDoc().getMap("m");
    map.set("k", 1);
    expect(map.toJSON()).toEqual({ k: 1 });
  },
  'map.get("k")': () => {
    const map = new LoroDoc().getMap("m");
    map.set("k", 1);
    expect(map.get("k")).toBe(1);
  },
  LoroList: () => {
    const list = new LoroDoc().getList("l");
    list.push(1);
    list.insert(0, 0);
    expect([list instanceof LoroList, list.toJSON()]).toEqual([true, [0, 1]]);
  },
  LoroText: () => {
    const text = new LoroDoc().getText("t");
    text.insert(0, "🥛b");
    text.insert(2, "a");
    expect([text instanceof LoroText, text.toString()]).toEqual([true, "🥛ab"]);
  },
  LoroCounter: () => {
    const [one, other] = [new LoroDoc(), new LoroDoc()];
    one.getCounter("c").increment(2);
    other.getCounter("c").decrement(5);
    one.import(other.export({ mode: "update" }));
    expect(one.getCounter("c")).toBeInstanceOf(LoroCounter);
    expect(one.getCounter("c").value).toBe(-3);
  },
  "doc.commit()": () => {
    const doc = loro();
    const before = doc.export({ mode: "update" }).length;
    doc.getMap("m").set("b", 2);
    doc.commit();
    expect(doc.export({ mode: "update" }).length).toBeGreaterThan(before);
  },
  "doc.toJSON()": () => expect(loro().toJSON()).toEqual({ m: { a: 1 } }),
  subscribeLocalUpdates: async () => {
    const [doc, other] = [new LoroDoc(), new LoroDoc()];
    doc.subscribeLocalUpdates((update) => other.import(update));
    doc.getMap("m").set("a", 1);
    doc.commit();
    await Promise.resolve();
    expect(other.toJSON()).toEqual({ m: { a: 1 } });
  },
  "doc.import": () => {
    const { pending } = new LoroDoc().import(loro().export({ mode: "update" }));
    expect(pending).toBeNull();
  },
  subscribe: async () => {
    const origins: string[] = [];
    const doc = loro();
    doc.subscribe(({ by, events }) => origins.push(`${by} ${events.length}`));
    doc.getMap("m").set("b", 2);
    doc.commit();
    await Promise.resolve();
    const other = new LoroDoc();
    other.getMap("m").set("c", 3);
    doc.import(other.export({ mode: "update" }));
    await Promise.resolve();
    expect(origins).toEqual(["local 1", "import 1"]);
  },
  "doc.version()": () => {
    const doc = loro();
    expect(
      loroFrom(doc.export({ mode: "snapshot" }))
        .version()
        .compare(doc.version()),
    ).toBe(0);
  },
  "doc.frontiers()": () => {
    const doc = loro();
    const before = doc.frontiers();
    expect(loroFrom(doc.export({ mode: "update" })).frontiers()).toEqual(before);
    doc.getMap("m").set("b", 2);
    doc.commit();
    expect(doc.frontiers()).not.toEqual(before);
  },
  export: () => {
    const doc = loro();
    const from = doc.version();
    const other = loroFrom(doc.export({ mode: "snapshot" }));
    for (const value of [2, 3]) {
      doc.getMap("m").set("b", value);
      doc.commit();
    }
    // Many commits in one update.
    other.import(doc.export({ mode: "update", from }));
    expect(other.toJSON()).toEqual({ m: { a: 1, b: 3 } });
  },
  import: () => {
    const doc = new LoroDoc();
    doc.getMap("m").set("c", 3);
    doc.import(loro().export({ mode: "snapshot" }));
    expect(doc.toJSON()).toEqual({ m: { a: 1, c: 3 } });
  },
  getCursor: () => {
    const doc = new LoroDoc();
    const text = doc.getText("t");
    text.insert(0, "ab");
    const cursor = text.getCursor(1)!;
    text.insert(0, "xy");
    expect(doc.getCursorPos(cursor)!.offset).toBe(3);
  },
  peerId: () => expect(new LoroDoc().peerId).not.toBe(new LoroDoc().peerId),
  getAllChanges: () => {
    const doc = loro();
    expect([...doc.getAllChanges().keys()]).toEqual([doc.peerIdStr]);
  },
  "doc.fork()": () => {
    const doc = loro();
    const fork = doc.fork();
    fork.getMap("m").set("b", 2);
    expect([doc.toJSON(), fork.toJSON()]).toEqual([{ m: { a: 1 } }, { m: { a: 1, b: 2 } }]);
  },
};

/** What the table names as code, by column. */
function named(column: number): Set<string> {
  const [, table = ""] = /^(\| Yjs \|[\s\S]*?)\n\n/mu.exec(page) ?? [];
  const rows = table.split("\n").slice(2);
  return new Set(
    rows.flatMap((row) => {
      const cell = row.replace(/^\|/u, "").split("|")[column] ?? "";
      return [...cell.matchAll(/`([^`]+)`/gu)].map(([, call = ""]) => call);
    }),
  );
}

test.each([
  ["Yjs", 0, YJS],
  ["Automerge", 1, AUTOMERGE],
  ["Loro", 2, LORO],
] as const)("each call of %s that the table names is run", (_library, column, checks) => {
  expect([...named(column)].toSorted()).toEqual(Object.keys(checks).toSorted());
});

test.each([YJS, AUTOMERGE, LORO].flatMap((checks) => Object.entries(checks)))(
  "%s does what its row says",
  (_call, check) => check(),
);

test("these are the versions that the page names", () => {
  const load = createRequire(import.meta.url);
  const versionOf = (name: string): string => {
    const entry = load.resolve(name);
    const folder = entry.slice(0, entry.lastIndexOf(`/${name}/`) + name.length + 2);
    return (JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as { version: string })
      .version;
  };
  const text = page.replaceAll(/\s+/gu, " ");
  expect(text).toContain(
    `Yjs ${versionOf("yjs")}, Automerge ${versionOf("@automerge/automerge")} and Loro ${versionOf("loro-crdt")}`,
  );
});
