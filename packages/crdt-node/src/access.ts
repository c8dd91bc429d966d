/**
 * How a command gets at a node: through the control socket while it runs, otherwise by opening its store. Commands are
 * written once, against {@link Call}.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { documentId, type KeyPair, toHex } from "bft-json-crdt";
import { ControlClient } from "./control/client.ts";
import { CommandError, EXIT } from "./exit-codes.ts";
import type { NodeHome } from "./home.ts";
import { readKeyFile, readKeyIfThere } from "./key-file.ts";
import { Node, type NodeListener } from "./node.ts";
import { warn } from "./output.ts";
import { answerRequest, type Call } from "./requests.ts";
import type { Settings } from "./settings.ts";
import { holderOf, openStore, type Store } from "./store.ts";
import { verifyStore } from "./verification.ts";

/** A node to make requests of. */
export interface Access {
  readonly call: Call;
  /** The node, when it was opened in this process; null when a running one answers. */
  readonly local: Node | null;
  close(): Promise<void>;
}

/** Milliseconds that a command waits for another short one ("view", "send") to be done with the store. */
const STORE_PATIENCE_MS = 15_000;

/** Milliseconds between two attempts to open it; only commands that wait for another one ever do this. */
const STORE_RETRY_MS = 50;

/** Connects to the running node, or opens its store; `command` is what others are told while it is open. */
export async function openAccess(
  home: NodeHome,
  settings: Settings,
  command: string,
  listener: NodeListener = {},
): Promise<Access> {
  const found = await clientOrStore(home, settings, command);
  if (found instanceof ControlClient) return remoteAccess(found, home, settings);
  return localAccess(await openNode(home, settings, found, () => readKeyFile(home.keys), listener));
}

/** Like {@link openAccess} for commands that sign nothing, so that who has lost the key can still read what is stored. */
export async function openToRead(
  home: NodeHome,
  settings: Settings,
  command: string,
): Promise<Access> {
  const found = await clientOrStore(home, settings, command);
  if (found instanceof ControlClient) return remoteAccess(found, home, settings);
  const key = (): KeyPair | null =>
    readKeyIfThere(home.keys, (loss) => {
      warn(`${loss}; reading needs none`);
    });
  return localAccess(await openNode(home, settings, found, key));
}

/** Like {@link openAccess}, but reads nothing of the store, so that a damaged one can be verified; only for "verify". */
export async function openToVerify(home: NodeHome, settings: Settings): Promise<Access> {
  const found = await clientOrStore(home, settings, "verify");
  if (found instanceof ControlClient) return remoteAccess(found, home, settings);
  return { call: callOf(() => verifyStore(found)), local: null, close: () => found.close() };
}

async function clientOrStore(
  home: NodeHome,
  settings: Settings,
  command: string,
): Promise<ControlClient | Store> {
  const deadline = performance.now() + STORE_PATIENCE_MS;
  for (;;) {
    const client = await ControlClient.connect(home);
    if (client !== null) return client;
    const store = await openStore(home, documentId(settings.room), command);
    if (store !== null) return store;
    await waitForStore(home, deadline);
  }
}

/** Opens the node to run it, in this process only; throws CommandError when it runs already. */
export async function openToRun(
  home: NodeHome,
  settings: Settings,
  listener: NodeListener,
): Promise<Node> {
  const deadline = performance.now() + STORE_PATIENCE_MS;
  for (;;) {
    const store = await openStore(home, documentId(settings.room), "run");
    if (store !== null)
      return openNode(home, settings, store, () => readKeyFile(home.keys), listener);
    if (holderOf(home)?.command === "run") throw inUse(home);
    await waitForStore(home, deadline);
  }
}

/** Waits a moment for whoever has the store open; throws when that was long enough. */
async function waitForStore(home: NodeHome, deadline: number): Promise<void> {
  if (performance.now() > deadline) throw inUse(home);
  await sleep(STORE_RETRY_MS);
}

async function openNode(
  home: NodeHome,
  { room, budgets }: Settings,
  store: Store,
  readKey: () => KeyPair | null,
  listener: NodeListener = {},
): Promise<Node> {
  try {
    return await Node.open({
      home,
      room,
      keyPair: readKey(),
      store,
      listener,
      budgets,
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}

function localAccess(node: Node): Access {
  return {
    call: callOf((method, params) => answerRequest(node, method, params)),
    local: node,
    close: () => node.close(),
  };
}

function remoteAccess(client: ControlClient, home: NodeHome, settings: Settings): Access {
  const { document, room, pid } = client.hello;
  if (settings.roomIsExplicit && document !== toHex(documentId(settings.room))) {
    client.close();
    throw new CommandError(EXIT.refused, {
      what: `"${home.name}" is running in room "${room}", not in "${settings.room}"`,
      why: `process ${pid} holds its store`,
      next: `crdt-node status ${home.name}`,
    });
  }
  return {
    call: callOf((method, params) => client.call(method, params)),
    local: null,
    close() {
      client.close();
      return Promise.resolve();
    },
  };
}

/** Both ends of the control socket are this package, so the types of `Requests` hold for what comes through it. */
function callOf(
  call: (
    method: string,
    params: { readonly [key: string]: unknown },
  ) => AsyncGenerator<unknown, unknown>,
): Call {
  return call as unknown as Call;
}

function inUse(home: NodeHome): CommandError {
  const holder = holderOf(home);
  const who =
    holder === null ? "another process" : `process ${holder.pid} (crdt-node ${holder.command})`;
  const running = holder?.command === "run";
  return new CommandError(EXIT.refused, {
    what: running
      ? `"${home.name}" is already running as ${who}`
      : `the store of "${home.name}" is in use by ${who}`,
    why: "two writers of one chain would sign two changes with one number, which is equivocation",
    next: running ? `crdt-node send ${home.name} "alice -> bob 10"` : undefined,
  });
}
