import { describe, expect, it } from "vitest";
import { TrustedProxies } from "./client-address.ts";
import { dialledHost, type DialledRequest, readHostName } from "./host-names.ts";

describe("a host name", () => {
  it.each([
    ["relay.example", "relay.example"],
    ["Relay.Example:8443", "relay.example:8443"],
    ["[2001:DB8::1]:80", "[2001:db8::1]:80"],
    ["[::1]", "[::1]"],
    ["127.0.0.1:1", "127.0.0.1:1"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ])("%s is one", (text, host) => {
    expect(readHostName(text)).toBe(host);
  });

  it.each([
    "",
    "a b",
    "a/",
    "http://a",
    "a:",
    "a:123456",
    "::1",
    "u@a",
    "a:1:2",
    "é.example",
    "[::1",
  ])("%j is none", (text) => {
    expect(readHostName(text)).toBeNull();
  });
});

describe("the host that a client has dialled", () => {
  const proxies = new TrustedProxies(["10.0.0.1"]);

  function dialled(
    headers: DialledRequest["headers"],
    socket: Partial<DialledRequest["socket"]> = {},
    names: readonly string[] = [],
    usualPort = 80,
  ): string | null {
    const from = { remoteAddress: "192.0.2.9", localAddress: "192.0.2.1", localPort: 8080 };
    return dialledHost({ headers, socket: { ...from, ...socket } }, proxies, names, usualPort);
  }

  it("is the address that the connection came to, when the relay has no names", () => {
    expect(dialled({ host: "192.0.2.1:8080" })).toBe("192.0.2.1:8080");
    expect(dialled({ host: "192.0.2.1:8080" }, { localAddress: "::ffff:192.0.2.1" })).toBe(
      "192.0.2.1:8080",
    );
    expect(dialled({ host: "[2001:db8::1]:8080" }, { localAddress: "2001:db8::1" })).toBe(
      "[2001:db8::1]:8080",
    );
    for (const localAddress of ["127.0.0.1", "::1"])
      expect(dialled({ host: "LOCALHOST:8080" }, { localAddress })).toBe("localhost:8080");
  });

  it("has no port when that is the usual one", () => {
    const at = (localPort: number, host: string, usual: number): string | null =>
      dialled({ host }, { localPort }, [], usual);
    expect([at(80, "192.0.2.1", 80), at(443, "192.0.2.1", 443)]).toEqual([
      "192.0.2.1",
      "192.0.2.1",
    ]);
    expect([at(443, "192.0.2.1", 80), at(80, "192.0.2.1:80", 80)]).toEqual([null, null]);
  });

  it.each([
    ["a name that was not given", { host: "relay.example:8080" }, {}],
    ["another port", { host: "192.0.2.1:8081" }, {}],
    ["this machine, from elsewhere", { host: "localhost:8080" }, {}],
    ["this machine by its address, from elsewhere", { host: "127.0.0.1:8080" }, {}],
    ["nothing", {}, {}],
    ["no host", { host: "a b" }, {}],
    ["a socket that is gone", { host: ":8080" }, { localAddress: undefined }],
    [
      "a socket that is gone, by any name",
      { host: "undefined:0" },
      { localAddress: undefined, localPort: undefined },
    ],
  ])("is never taken to be %s", (_, headers: DialledRequest["headers"], socket) => {
    expect(dialled(headers, socket as Partial<DialledRequest["socket"]>)).toBeNull();
  });

  it("is one of the names of the relay, when it has some, and nothing else", () => {
    const names = ["relay.example", "relay.example:8443"];
    for (const name of names) expect(dialled({ host: name.toUpperCase() }, {}, names)).toBe(name);
    for (const host of ["192.0.2.1:8080", "evil.example", "relay.example:80", "relay.example."])
      expect(dialled({ host }, {}, names)).toBeNull();
  });

  it("is what a trusted proxy says, and nobody else", () => {
    const names = ["relay.example"];
    const headers = { host: "10.0.0.2:8080", "x-forwarded-host": "Relay.Example, inner" };
    expect(dialled(headers, { remoteAddress: "10.0.0.1" }, names)).toBe("relay.example");
    expect(dialled(headers, { remoteAddress: "10.0.0.3" }, names)).toBeNull();
    expect(dialled(headers, { remoteAddress: undefined }, names)).toBeNull();
    expect(dialled({ host: "relay.example" }, { remoteAddress: "10.0.0.1" }, names)).toBe(
      "relay.example",
    );
    const evil = { host: "relay.example", "x-forwarded-host": "evil.example" };
    expect(dialled(evil, { remoteAddress: "10.0.0.1" }, names)).toBeNull();
    expect(dialled(evil, {}, names)).toBe("relay.example");
  });
});
