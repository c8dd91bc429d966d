import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "example-kit";
import { settle, totalOf } from "./settle.ts";
import type { Transfer } from "./facts.ts";
import type { Share } from "./settle.ts";
import { termsOf } from "./terms.ts";

const names = Array.from({ length: 5 }, (_, i) => String(i).repeat(64));
const core = Array.from({ length: 4 }, (_, i) => new Uint8Array(32).fill(i + 1));
const terms = termsOf({
  name: "test",
  core,
  faults: 1,
  fee: 8n,
  period: 3,
  allocation: names.slice(0, 3).map((name) => [name, 100n]),
});

/** What an account has got from the pot after so many payments: of each, two cents for each core node. */
function drawn(account: string, count: number, shares: readonly Share[]): bigint {
  let sum = 0;
  for (const { core, paid, prover, after } of shares) {
    for (let at = 0; at < count; at++) {
      const period = Math.floor(at / 3);
      const isOver = (period + 1) * 3 <= count;
      if (period < paid) sum += core === account && isOver ? 2 : 0;
      else sum += prover === account && period >= after ? 1 : 0;
    }
  }
  return BigInt(sum);
}

/** Makes payments one by one as chance will have it, as long as any can be made. */
function naive(
  lines: ReadonlyMap<string, ReadonlyMap<number, Transfer>>,
  shares: readonly Share[],
  random: Random,
): { balances: Map<string, bigint>; made: Set<string> } {
  const paid = new Map(terms.allocation);
  const next = new Map<string, number>();
  const made = new Set<string>();
  for (;;) {
    const balances = new Map(
      names.map((name) => [name, (paid.get(name) ?? 0n) + drawn(name, made.size, shares)]),
    );
    const possible = [...lines].flatMap(([payer, line]) => {
      const transfer = line.get(next.get(payer) ?? 0);
      const has = balances.get(payer)!;
      return transfer !== undefined && has >= transfer.amount + 8n ? [transfer] : [];
    });
    if (possible.length === 0) return { balances, made };
    const { author, to, amount, number, id } = random.pick(possible);
    paid.set(author, (paid.get(author) ?? 0n) - amount - 8n);
    paid.set(to, (paid.get(to) ?? 0n) + amount);
    next.set(author, number + 1);
    made.add(id);
  }
}

describe("balances", () => {
  it("are the same in whatever order payments are made, whatever the pot pays, and no money comes or goes", () => {
    const transfer = fc.record({
      payer: fc.nat(4),
      number: fc.nat(6),
      to: fc.nat(4),
      amount: fc.integer({ min: 1, max: 120 }),
    });
    const share = fc.record({
      core: fc.nat(4),
      paid: fc.nat(6),
      prover: fc.option(fc.nat(4)),
      after: fc.nat(6),
    });
    fc.assert(
      fc.property(
        fc.array(transfer, { maxLength: 40 }),
        fc.uniqueArray(share, { maxLength: 4, selector: ({ core }) => core }),
        fc.nat(),
        (payments, drawnShares, seed) => {
          const lines = new Map<string, Map<number, Transfer>>();
          payments.forEach(({ payer, number, to, amount }, at) => {
            if (payer === to) return;
            const author = names[payer]!;
            if (!lines.has(author)) lines.set(author, new Map());
            lines.get(author)!.set(number, {
              kind: "transfer",
              id: `id${at}`,
              author,
              change: at,
              number,
              to: names[to]!,
              amount: BigInt(amount),
            });
          });
          // Some of the core nodes, and of their provers, have accounts that pay.
          const shares = drawnShares.map(({ core: at, prover, ...rest }) => ({
            core: names[at]!,
            prover: prover === null ? null : names[prover]!,
            ...rest,
          }));
          const settled = settle(terms, lines, shares);
          const model = naive(lines, shares, new Random(seed));
          expect(settled.made).toEqual(model.made);
          for (const name of names) {
            expect(settled.accounts.get(name)?.balance ?? 0n).toBe(model.balances.get(name) ?? 0n);
          }
          expect(totalOf(settled)).toBe(terms.supply);
          const paidOut = names.reduce(
            (sum, name) => sum + drawn(name, model.made.size, shares),
            0n,
          );
          expect(settled.pot).toBe(BigInt(model.made.size) * 8n - paidOut);
          expect(settled.pot).toBeGreaterThanOrEqual(0n);
        },
      ),
      runs(200),
    );
  });
});

describe("terms", () => {
  const options = { name: "test", core, fee: 8n, period: 3, allocation: [] };
  it("are refused where two payments with one number could both be settled", () => {
    expect(() => termsOf({ ...options, faults: 2 })).toThrow("more than 6");
    expect(() => termsOf({ ...options, core: core.slice(1), faults: 1, fee: 6n })).toThrow(
      "3 core nodes cannot bear 1 liars",
    );
    for (let n = 1; n <= 30; n++) {
      const keys = Array.from({ length: n }, (_, i) => new Uint8Array(32).fill(i + 1));
      for (let faults = 0; 3 * faults < n; faults++) {
        const { threshold } = termsOf({ ...options, core: keys, faults, fee: 0n });
        // Two groups of that many have an honest one in common, and the honest ones are enough.
        expect(2 * threshold - n).toBeGreaterThan(faults);
        expect(threshold).toBeLessThanOrEqual(n - faults);
      }
    }
  });

  it("are refused where a fee cannot be divided, a period never ends or an account is none", () => {
    expect(() => termsOf({ ...options, faults: 1, fee: 9n })).toThrow("a multiple of 8");
    expect(() => termsOf({ ...options, faults: 1, fee: -8n })).toThrow("a multiple of 8");
    for (const period of [0, -1, 1.5, NaN, Infinity])
      expect(() => termsOf({ ...options, faults: 1, period })).toThrow("at least 1");
    expect(() => termsOf({ ...options, faults: 1, allocation: [["node1", 1n]] })).toThrow(
      "64 hexadecimal digits",
    );
  });

  it("are what the document's id commits to", () => {
    const ids = [
      options,
      { ...options, name: "other" },
      { ...options, core: core.map((key) => key.map((byte) => byte + 10)) },
      { ...options, fee: 16n },
      { ...options, period: 4 },
      { ...options, allocation: [[names[0]!, 1n] as const] },
      { ...options, allocation: [[names[0]!, 2n] as const] },
    ].map((given) => termsOf({ ...given, faults: 1 }).id.join());
    expect(new Set([...ids, termsOf({ ...options, faults: 0 }).id.join()]).size).toBe(8);
  });
});
