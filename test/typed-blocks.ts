/** The blocks that test/snippets.test.ts types into commands: by what name, of which page, and how they begin. */
import { type Block, blockOf } from "./page-blocks.ts";

const NODE = "packages/crdt-node/README.md";
const RELAYER = "packages/crdt-relayer/README.md";
const LIBRARY = "packages/bft-json-crdt/README.md";
const CLIENT = "examples/python-client/README.md";
const OPERATIONS = "docs/operations.md";

const TYPED = {
  withRelay: [NODE, "npm install --global crdt-node crdt-relayer\n"],
  listens: [NODE, "crdt-node init alice\ncrdt-node run alice --listen "],
  connects: [NODE, "crdt-node init bob\n"],
  python: [CLIENT, "python3 client.py "],
  installRelay: [OPERATIONS, "npm install --global crdt-relayer\n"],
  startRelay: [RELAYER, "npm install --global crdt-relayer\n"],
  settings: [OPERATIONS, "crdt-relayer config "],
  doctor: [OPERATIONS, "crdt-relayer doctor "],
  rules: [OPERATIONS, 'hosts = ["relay.example"]'],
  access: [RELAYER, 'hosts = ["relay.example"]'],
  rooms: [OPERATIONS, "crdt-relayer --rooms "],
  farewell: [OPERATIONS, "the relay is stopping; "],
  image: [OPERATIONS, "docker build "],
  library: [LIBRARY, "npm install bft-json-crdt\n"],
} as const satisfies { readonly [name: string]: readonly [page: string, begins: string] };

/** The blocks themselves. Throws when a page has none that begins so, or more than one. */
export function typedBlocks(): Block[] {
  return Object.values(TYPED).map(([page, begins]) => blockOf(page, begins));
}

/** What stands in each. Throws like `typedBlocks`. */
export function typedTexts(): { readonly [name in keyof typeof TYPED]: string } {
  const names = Object.keys(TYPED);
  const texts = typedBlocks().map(({ text }, at) => [names[at], text]);
  return Object.fromEntries(texts) as { [name in keyof typeof TYPED]: string };
}
