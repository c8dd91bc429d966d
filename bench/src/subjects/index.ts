/** All libraries by name. Each is loaded only in a process that measures it. */
import { versionOf } from "../equivocation/versions.ts";
import type { Library } from "./library.ts";

/** How each library is loaded, and the package that it comes from. */
const libraries: Readonly<
  Record<string, { readonly from: string | null; readonly load: () => Promise<Library> }>
> = {
  ours: {
    from: "bft-json-crdt",
    load: async () => (await import("./ours.ts")).ours,
  },
  "diamond-types-node": {
    from: "diamond-types-node",
    load: async () => (await import("./diamond-types.ts")).diamondTypes,
  },
  "json-joy": { from: "json-joy", load: async () => (await import("./json-joy.ts")).jsonJoy },
  Loro: { from: "loro-crdt", load: async () => (await import("./loro.ts")).loro },
  Yjs: { from: "yjs", load: async () => (await import("./yjs.ts")).yjs },
  Automerge: {
    from: "@automerge/automerge",
    load: async () => (await import("./automerge.ts")).automerge,
  },
  "plain string": {
    from: null,
    load: async () => (await import("./plain-string.ts")).plainString,
  },
  "gap buffer": { from: null, load: async () => (await import("./gap-buffer.ts")).gapBuffer },
};

/** The names of the libraries that we compare ourselves with. */
export const PEERS: readonly string[] = [
  "diamond-types-node",
  "json-joy",
  "Loro",
  "Yjs",
  "Automerge",
];

/** What is no CRDT: how fast the same edits can be made at all, and how fast without any thought. */
export const PLAIN: readonly string[] = ["gap buffer", "plain string"];

/** Loads a library by its name. */
export function libraryOf(name: string): Promise<Library> {
  const library = libraries[name];
  if (library === undefined) throw new Error(`there is no library ${JSON.stringify(name)}`);
  return library.load();
}

/** The installed version of every library. */
export function versions(): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, { from }] of Object.entries(libraries)) {
    if (from !== null) found[name] = versionOf(from);
  }
  found["ws"] = versionOf("ws");
  return found;
}
