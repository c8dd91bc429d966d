/**
 * The command line without a process of its own, for the many tests that look at one answer: the same code on the same
 * files, with what it writes collected. What a process does at its edges (signals, pipes, kills) is tested with real ones.
 */
import { vi } from "vitest";
import { main } from "../src/program.ts";
import type { Status } from "../src/requests.ts";
import { awayFromDefaultRelay, type Outcome } from "./processes.ts";

/** A transaction as it is in a view. */
export interface Transaction {
  readonly from: string;
  readonly to: string;
  readonly amount: number;
  readonly memo?: string;
}

/** Runs one command; one at a time. It reaches no relay but those that it is told of. */
export async function crdtNode(args: readonly string[]): Promise<Outcome> {
  const given = process.env["SIDE_RELAY"];
  const { SIDE_RELAY } = awayFromDefaultRelay(args, process.env);
  if (SIDE_RELAY !== undefined) process.env["SIDE_RELAY"] = SIDE_RELAY;
  const stdout = collect(process.stdout);
  const stderr = collect(process.stderr);
  try {
    const code = await main(args);
    return { code, stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.restore();
    stderr.restore();
    if (given === undefined) delete process.env["SIDE_RELAY"];
    else process.env["SIDE_RELAY"] = given;
  }
}

/** Makes a folder the home of all nodes for the tests of this file. */
export function useHome(home: string, variables: { readonly [name: string]: string } = {}): void {
  for (const name of ["SIDE_RELAY", "SIDE_ROOM"]) vi.stubEnv(name, variables[name] ?? "");
  vi.stubEnv("SIDE_HOME", home);
}

/** The transactions that a node shows. */
export async function transactionsOf(name: string): Promise<Transaction[]> {
  return ((await json(["view", name, "--json"])) as { transactions: Transaction[] }).transactions;
}

/** The digest of the view of a node. */
export async function digestOf(name: string): Promise<string> {
  return (await succeed(["view", name, "--digest"])).trim();
}

/** The status of a node. */
export async function statusOf(name: string): Promise<Status> {
  return (await json(["status", name, "--json"])) as Status;
}

async function json(args: readonly string[]): Promise<unknown> {
  return JSON.parse(await succeed(args));
}

async function succeed(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await crdtNode(args);
  if (code !== 0) throw new Error(`crdt-node ${args.join(" ")}: ${code} ${stderr}`);
  return stdout;
}

function collect(stream: NodeJS.WriteStream): { text(): string; restore(): void } {
  const chunks: Buffer[] = [];
  const spy = vi.spyOn(stream, "write").mockImplementation((chunk, encodingOrDone?, done?) => {
    chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk));
    const callback = typeof encodingOrDone === "function" ? encodingOrDone : done;
    callback?.();
    return true;
  });
  return {
    text: () => Buffer.concat(chunks).toString("utf8"),
    restore: () => {
      spy.mockRestore();
    },
  };
}
