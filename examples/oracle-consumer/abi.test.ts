import { describe, expect, it } from "vitest";
import { decodeValues, encodeValues, selectorOf } from "./abi.ts";
import type { Parameter } from "./abi.ts";
import { hex, keccak } from "./ethereum.ts";

const word = (digits: string): string => digits.padStart(64, "0");
const uint = (bits: number): Parameter => ({ name: "", type: `uint${bits}` });

describe("arguments of a call", () => {
  it("are encoded as the specification's examples are", () => {
    // "baz(uint32,bool)" and a list, of the chapter "Examples" in the contract ABI specification.
    const baz = { type: "function", name: "baz", inputs: [uint(32), { name: "", type: "bool" }] };
    expect(hex(selectorOf(baz))).toBe("0xcdcd77c0");
    expect(hex(encodeValues(baz.inputs, [69n, 1n]))).toBe(`0x${word("45")}${word("1")}`);
    const list = [uint(256), { name: "", type: "uint32[]" }];
    const encoded = encodeValues(list, [0x123n, [0x456n, 0x789n]]);
    expect(hex(encoded)).toBe(`0x${["123", "40", "2", "456", "789"].map(word).join("")}`);
    expect(decodeValues(list, encoded)).toEqual([0x123n, [0x456n, 0x789n]]);
  });

  it("keep structs in place, one after another, and name them by their fields", () => {
    const point = [uint(8), { name: "", type: "address" }];
    const points: Parameter = { name: "", type: "tuple[]", components: point };
    const address = `0x${"ab".repeat(20)}` as const;
    const values = [
      [
        [1n, address],
        [2n, address],
      ],
      3n,
    ];
    const encoded = encodeValues([points, uint(256)], values);
    expect(encoded).toHaveLength(32 * 7);
    expect(decodeValues([points, uint(256)], encoded)).toEqual(values);
    const named = { type: "function", name: "f", inputs: [points, uint(256)] };
    const signature = new TextEncoder().encode("f((uint8,address)[],uint256)");
    expect(selectorOf(named)).toEqual(keccak(signature).subarray(0, 4));
  });

  it("are refused when they are out of range, of another kind, or of another number", () => {
    expect(() => encodeValues([uint(8)], [256n])).toThrow(RangeError);
    expect(() => encodeValues([uint(8)], [-1n])).toThrow(RangeError);
    expect(() => encodeValues([uint(8)], ["0x01"])).toThrow(TypeError);
    expect(() => encodeValues([uint(8)], [])).toThrow(TypeError);
    expect(() => encodeValues([{ name: "", type: "address" }], ["0x0102"])).toThrow(TypeError);
    expect(() => encodeValues([{ name: "", type: "string" }], [1n])).toThrow(TypeError);
    expect(() => decodeValues([uint(8)], new Uint8Array(31))).toThrow(RangeError);
  });
});
