import { describe, expect, it } from "vitest";
import { BackplaneError } from "../backplane.ts";
import { readAcknowledgement } from "./acknowledgement.ts";

const read = (answer: unknown) => readAcknowledgement(JSON.stringify(answer), "rooms");

describe("the answer to a publication", () => {
  it("is the number of the message in the stream, and whether it was there before", () => {
    expect(read({ stream: "rooms", seq: 7 })).toEqual({ seq: 7, isDuplicate: false });
    expect(read({ stream: "rooms", seq: 7, duplicate: true })).toEqual({
      seq: 7,
      isDuplicate: true,
    });
    expect(read({ stream: "rooms", seq: 0, duplicate: true })).toEqual({
      seq: 0,
      isDuplicate: true,
    });
  });

  it("is an error with the server's words", () => {
    const error = { code: 503, err_code: 10_077, description: "maximum bytes exceeded" };
    expect(() => read({ error, stream: "rooms", seq: 1 })).toThrow("maximum bytes exceeded");
    expect(() => read({ error: {} })).toThrow("an unknown error");
  });

  it("is no acknowledgement otherwise", () => {
    for (const answer of [
      null,
      7,
      {},
      { stream: "other", seq: 7 },
      { stream: "rooms" },
      { stream: "rooms", seq: 0 },
      { stream: "rooms", seq: -1, duplicate: true },
      { stream: "rooms", seq: "7" },
      { stream: "rooms", seq: 1.5 },
    ])
      expect(() => read(answer)).toThrow(BackplaneError);
    expect(() => readAcknowledgement("", "rooms")).toThrow(BackplaneError);
    expect(() => readAcknowledgement("[", "rooms")).toThrow(BackplaneError);
  });
});
