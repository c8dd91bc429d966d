/** Answers of exchanges, and what a commitment to them proves. */
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_PRICE } from "./aggregate.ts";
import { MAX_TIMESTAMP } from "./attestation.ts";
import {
  commitmentTo,
  decimal,
  MAX_RESPONSE_LENGTH,
  opens,
  readResponse,
  responseOf,
  SALT_BYTES,
  supports,
} from "./source.ts";
import type { Source } from "./source.ts";

const quote = {
  source: "east.example",
  pair: "ETH/USD",
  price: 250_012_345_678n,
  volume: 120,
  time: 1_767_225_600,
};
const salt = new Uint8Array(SALT_BYTES).fill(7);
const response = responseOf(quote);
const source: Source = {
  name: quote.source,
  price: quote.price,
  volume: quote.volume,
  commitment: commitmentTo(salt, response),
};

describe("an answer", () => {
  it("is read as it was written", () => {
    expect(decimal(quote.price)).toBe("2500.12345678");
    const quotes = fc.record({
      source: fc.constantFrom("a", "east.example"),
      pair: fc.constantFrom("ETH/USD", "A/B"),
      price: fc.bigInt({ min: 1n, max: MAX_PRICE }),
      volume: fc.integer({ min: 1, max: 10 ** 12 }),
      time: fc.nat(MAX_TIMESTAMP),
    });
    fc.assert(
      fc.property(quotes, (each) => {
        expect(readResponse(responseOf(each))).toEqual(each);
      }),
      runs(100),
    );
  });

  it("is nothing when it is not one, and reading never throws", () => {
    for (const change of [
      { price: "2500.1" },
      { price: "0.00000000" },
      { price: 2_500 },
      { price: `${"9".repeat(22)}.00000000` },
      { pair: "eth" },
      { source: "East" },
      { source: null },
      { volume: 0 },
      { volume: 0.5 },
      { time: -1 },
      { time: "1" },
    ]) {
      const text = JSON.stringify({ ...(JSON.parse(response) as object), ...change });
      expect(readResponse(text)).toBeNull();
    }
    expect(readResponse(response + " ".repeat(MAX_RESPONSE_LENGTH))).toBeNull();
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(readResponse(text)).toBeNull();
      }),
      runs(100),
    );
  });
});

describe("a commitment", () => {
  it("is opened by its own salt and answer alone", () => {
    expect(opens(source, salt, response)).toBe(true);
    expect(opens(source, salt, `${response} `)).toBe(false);
    expect(opens(source, new Uint8Array(SALT_BYTES), response)).toBe(false);
    expect(opens(source, new Uint8Array(3), response)).toBe(false);
    expect(() => commitmentTo(new Uint8Array(3), response)).toThrow(RangeError);
  });

  it("is not opened by another text that would be encoded alike", () => {
    const replaced = { ...source, commitment: commitmentTo(salt, "\uFFFD") };
    expect(opens(replaced, salt, "\uFFFD")).toBe(true);
    expect(opens(replaced, salt, "\uD800")).toBe(false);
  });

  it("supports what was claimed of its source, and nothing else", () => {
    const claimed = { pair: quote.pair, timestamp: quote.time + 60 };
    expect(supports(source, response, claimed, 60)).toBe(true);
    expect(supports(source, response, claimed, 59)).toBe(false);
    expect(supports(source, response, { ...claimed, pair: "BTC/USD" }, 60)).toBe(false);
    for (const change of [{ price: 1n }, { volume: 1 }, { name: "north.example" }]) {
      expect(supports({ ...source, ...change }, response, claimed, 60)).toBe(false);
    }
    expect(supports(source, "{}", claimed, 60)).toBe(false);
  });
});
