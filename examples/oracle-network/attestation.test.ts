/** When an attestation counts, and which values are within bounds. */
import { describe, expect, it } from "vitest";
import { MAX_PRICE } from "./aggregate.ts";
import { freshnessFault, isConfidence, isPair, isPrice, MAX_PAIR_LENGTH } from "./attestation.ts";

describe("an attestation", () => {
  const rules = { maximumAge: 60, maximumLead: 5, minimumSources: 2 };

  it("counts from a little before its time until it is too old, both ends included", () => {
    const at = (now: number): string | null =>
      freshnessFault({ timestamp: 1_000, sources: 2 }, now, rules);
    expect(at(994)).toBe("from the future");
    expect(at(995)).toBeNull();
    expect(at(1_060)).toBeNull();
    expect(at(1_061)).toBe("too old");
  });

  it("rests on enough sources", () => {
    expect(freshnessFault({ timestamp: 1_000, sources: 1 }, 1_000, rules)).toBe("too few sources");
  });

  it("has values within bounds", () => {
    expect(["ETH/USD", "1/2"].every(isPair)).toBe(true);
    expect(["", "ETHUSD", "eth/usd", "ETH/USD\n", "A/__proto__", "ÄTH/USD"].some(isPair)).toBe(
      false,
    );
    expect(isPair(`${"A".repeat(15)}/${"B".repeat(15)}`)).toBe(true);
    expect(MAX_PAIR_LENGTH).toBe(31);
    expect(isPair(`${"A".repeat(16)}/B`)).toBe(false);
    expect([1n, MAX_PRICE].every(isPrice)).toBe(true);
    expect([0n, -1n, MAX_PRICE + 1n].some(isPrice)).toBe(false);
    expect([0, 10_000].every(isConfidence)).toBe(true);
    expect([-1, 10_001, 0.5, 1e300].some(isConfidence)).toBe(false);
  });
});
