/**
 * The part of docs/oracle-deployment.md that is for root, in the page's order, each block typed into the machine that it is for,
 * and what is printed compared with what is shown; and what docs/operations.md has root type at a relay. A part of `pnpm test`
 * where machines can be made (needs.ts says what that takes; docs/testing.md, when it is left out). The packages are those that
 * all tests run; that npm installs them is seen by test/packaging.test.ts. What units, proxy, certificate and rules are worth is
 * tried in `*.root.test.ts`.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { type Step, stepsOf } from "../page-steps.ts";
import { layOutBuilt } from "./built-prefix.ts";
import {
  bootWithGuide,
  docs,
  page,
  requireAll,
  startAuthority,
  trust,
  Typist,
  variables,
} from "./surroundings.ts";

const ADDRESSES = { relay: "10.213.0.1", oracle: "10.213.0.11" } as const;
type Name = keyof typeof ADDRESSES;

const [behindNginx = "", withoutNginx = ""] = page.split("**Without nginx**");
const scratch = mkdtempSync(join(tmpdir(), "deployment-"));
const env = variables();
const typists = new Map<string, Typist>();

beforeAll(async () => {
  requireAll();
  const prefix = join(scratch, "prefix");
  layOutBuilt(prefix);
  const hosts = `${ADDRESSES.relay} relay.example\n${ADDRESSES.oracle} ann.example`;
  await Promise.all(
    (Object.keys(ADDRESSES) as Name[]).map(async (name) => {
      const machine = await bootWithGuide(
        { prefix, name, address: ADDRESSES[name] },
        hosts,
        scratch,
      );
      typists.set(name, new Typist(machine, env));
    }),
  );
  const [relay, oracle] = [at("relay").machine, at("oracle").machine];
  await relay.link(oracle);
  const authority = await startAuthority(relay, ADDRESSES.relay, scratch);
  await Promise.all([relay, oracle].map((machine) => trust(machine, authority)));
}, 300_000);

afterAll(async () => {
  await Promise.all([...typists.values()].map(({ machine }) => machine.close()));
  rmSync(scratch, { recursive: true, force: true });
}, 300_000);

// What comes after a step that has failed would wait in vain.
let hasFailed = false;
beforeEach(() => {
  expect(hasFailed, "an earlier step has failed").toBe(false);
});
afterEach(({ task }) => {
  hasFailed ||= task.result?.state === "fail";
});

function at(name: string): Typist {
  return typists.get(name)!;
}

/** Types each step into the machine that it is for. */
async function follow(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    expect(Object.keys(ADDRESSES)).toContain(step.on);
    const printed = await at(step.on!).follow(step);
    if (step.commands.endsWith(" whoami ann")) env.KEY = printed;
  }
}

async function expectAllWell(): Promise<void> {
  for (const typist of typists.values())
    expect(await typist.type("systemctl --failed --no-legend")).toBe("");
}

it("the page: what root types into each machine does what is shown", async () => {
  const steps = stepsOf(behindNginx, "root");
  expect(steps.length).toBeGreaterThan(10);
  await follow(steps);
  await expectAllWell();
}, 300_000);

it("docs/operations.md: the doctor looks at the relay's store as its user, while the relay is stopped", async () => {
  const operations = readFileSync(join(docs, "operations.md"), "utf8");
  const [, shown = ""] = /^```\n(systemctl stop crdt-relayer\n[\s\S]*?)^```$/mu.exec(operations)!;
  expect(shown).toContain("systemd-run --pty ");
  // Nobody sits here.
  const printed = await at("relay").type(shown.replace("--pty", "--quiet --wait --pipe"));
  expect(printed).toMatch(/\bsound\b/u);
}, 300_000);

it("the relay starts as a user whom the system does not know", async () => {
  // That of its unit is one, where libnss-systemd is not installed.
  const user = "env --unset=HOME setpriv --reuid 54321 --regid 54321 --clear-groups";
  const printed = await at("relay").type(`${user} crdt-relayer config`);
  expect(printed).toContain('"/.side/relayer"');
});

it("the page: without nginx", async () => {
  const relay = at("relay");
  await relay.type("systemctl stop nginx");
  // Another machine would have none.
  await relay.type("certbot delete --non-interactive --cert-name relay.example");
  const steps = stepsOf(withoutNginx, "root");
  expect(steps.length).toBeGreaterThan(1);
  await follow(steps);
  await expectAllWell();
}, 300_000);
