import { describe, expect, it } from "vitest";
import { allowsOrigin, readOrigin } from "./origins.ts";

describe("an allowed origin", () => {
  it.each([
    ["https://app.example", "https://app.example"],
    ["HTTPS://App.Example/", "https://app.example"],
    ["https://app.example:443", "https://app.example"],
    ["http://localhost:3000", "http://localhost:3000"],
    ["http://[::1]:3000", "http://[::1]:3000"],
    ["chrome-extension://abcdef", "chrome-extension://abcdef"],
    ["*", "*"],
    ["null", "null"],
    ["only-browsers", "only-browsers"],
    ["https://app.example/path", null],
    ["https://app.example?x", null],
    ["https://user@app.example", null],
    ["https://*.example", null],
    ["app.example", null],
    ["file:///x", null],
    ["", null],
  ])("%j is read as %j", (text, origin) => {
    expect(readOrigin(text)).toBe(origin);
  });

  it.each([
    [["https://app.example"], "https://app.example", true],
    [["https://app.example"], "http://app.example", false],
    [["https://app.example"], "https://app.example:8443", false],
    [["https://app.example"], "https://app.example.evil.example", false],
    [["https://app.example"], "https://evil.example", false],
    [["https://app.example"], "https://app.example, https://app.example", false],
    [["https://app.example"], "*", false],
    [["https://app.example"], "", false],
    [["https://app.example"], "null", false],
    [["null"], "null", true],
    [["https://app.example"], undefined, true],
    [["https://app.example", "only-browsers"], undefined, false],
    [["https://app.example", "only-browsers"], "only-browsers", false],
    [["*"], undefined, true],
    [["*"], "https://evil.example", true],
    [["*", "only-browsers"], "https://evil.example", true],
    [["*", "only-browsers"], undefined, false],
  ])("with %j, %j: %j", (origins, origin, isAllowed) => {
    expect(allowsOrigin(origins, origin)).toBe(isAllowed);
  });
});
