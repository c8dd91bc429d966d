/** Nothing leaves a node before it is on the disk: what a restart has forgotten would be signed otherwise then. */
import { afterAll, expect, test, vi } from "vitest";
import { answerRequest } from "../src/requests.ts";
import { Document, documentId, generateKeyPair } from "bft-json-crdt";
import { ledger } from "../src/ledger.ts";
import { type Replica, ROOM, Village } from "./peers.ts";

const village = new Village();
afterAll(async () => {
  vi.unstubAllEnvs();
  await village.clear();
});

/** A disk that stands still, until it is told to go on or that it is full. */
function hold({ node }: Replica): { goOn(): void; fail(): void } {
  const { store } = node;
  const append = store.append.bind(store);
  let goOn: () => void = () => undefined;
  let fail: (error: Error) => void = () => undefined;
  const isFree = new Promise<void>((resolve, reject) => {
    goOn = resolve;
    fail = reject;
  });
  // It may fail before anybody waits.
  isFree.catch(() => undefined);
  vi.spyOn(store, "append").mockImplementation(async (...args) => {
    await isFree;
    await append(...args);
  });
  return {
    goOn: () => {
      vi.mocked(store.append).mockRestore();
      goOn();
    },
    fail: () => fail(new Error("ENOSPC: no space left on device")),
  };
}

/** The answer to a request, with how many parts it had; null while there is none. */
function ask(replica: Replica, method: string, params = {}): { value: unknown; parts: number } {
  const answer = { value: null as unknown, parts: 0 };
  const read = async (): Promise<void> => {
    const steps = answerRequest(replica.node, method, params);
    for (;;) {
      const step = await steps.next();
      if (step.done === true) {
        answer.value = step.value;
        return;
      }
      answer.parts++;
    }
  };
  read().catch((error: unknown) => (answer.value = error));
  return answer;
}

async function turns(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

const TRANSACTION = { from: "alice", to: "bob", amount: 1 };

test("an export waits for the disk, and for nothing after it", async () => {
  const anna = await village.open("anna");
  await anna.node.append([TRANSACTION]);
  const disk = hold(anna);
  const appended = anna.node.append([TRANSACTION]);
  await turns();
  expect([anna.node.history.length, anna.node.durable]).toEqual([2, 1]);
  const exported = ask(anna, "export");
  await turns();
  expect(exported).toEqual({ value: null, parts: 0 });
  disk.goOn();
  await appended;
  await turns();
  expect(exported).toEqual({ value: { changes: 2 }, parts: 1 });
});

test("an export has nothing of what cannot be stored", async () => {
  const bert = await village.open("bert");
  const disk = hold(bert);
  const appended = bert.node.append([TRANSACTION]);
  await turns();
  const exported = ask(bert, "export");
  await turns();
  disk.fail();
  await expect(appended).rejects.toThrow("cannot write the store");
  await turns();
  expect(exported.parts).toBe(0);
  expect(String(exported.value)).toContain("cannot write the store");
});

test("what an import knows already is known once it is stored", async () => {
  const carl = await village.open("carl");
  const document = new Document({
    schema: ledger,
    id: documentId(ROOM),
    keyPair: generateKeyPair(),
  });
  const change = document.change((doc) => {
    doc.transactions.push({ from: "a", to: "b", amount: 1 });
  });
  const group = Buffer.from(change.bytes).toString("base64");
  const disk = hold(carl);
  const imports = [ask(carl, "import", { group }), ask(carl, "import", { group })];
  await turns();
  expect(imports.map(({ value }) => value)).toEqual([null, null]);
  disk.goOn();
  await turns();
  await vi.waitFor(() => {
    expect(imports.map(({ value }) => value)).toEqual([
      { added: 1, known: 0, pending: 0 },
      { added: 0, known: 1, pending: 0 },
    ]);
  });
});

test("heads that are told again and again while the disk stands still are not read without end", async () => {
  const { Exchange, UNSTORED_BYTES } = await import("../src/exchange.ts");
  const dora = await village.open("dora");
  await dora.node.append([TRANSACTION]);
  const disk = hold(dora);
  const appended = dora.node.append([TRANSACTION]);
  await turns();
  const { EventEmitter } = await import("node:events");
  const socket = Object.assign(new EventEmitter(), {
    isPaused: false,
    readyState: 1,
    bufferedAmount: 0,
    send: () => undefined,
    ping: () => undefined,
    pause() {
      this.isPaused = true;
    },
    resume() {
      this.isPaused = false;
    },
  });
  const exchange = new Exchange(socket as never, {
    host: dora.node,
    from: { kind: "guest", url: "a guest", payer: "a guest" } as never,
    onSynced: () => undefined,
    onDeaf: () => undefined,
    onFaulty: () => undefined,
  });
  exchange.begin();
  const heads = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(64, "0"));
  const frame = JSON.stringify({ type: "have", heads });
  let frames = 0;
  while (!socket.isPaused && frames < 1_000) {
    exchange.receive(frame);
    frames++;
  }
  expect(socket.isPaused).toBe(true);
  expect(frames).toBeLessThanOrEqual(UNSTORED_BYTES / (256 * 64));
  disk.goOn();
  await appended;
  await turns();
  expect(socket.isPaused).toBe(false);
  exchange.close();
});
