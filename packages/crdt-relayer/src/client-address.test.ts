import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalAddress,
  clientAddress,
  isProxy,
  readRange,
  TrustedProxies,
} from "./client-address.ts";

const PROXIES = ["10.0.0.0/8", "127.0.0.1", "fd00::/8", "2001:db8::7"];
const proxies = new TrustedProxies(PROXIES);

const address = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => canonicalAddress(text)!);
const trusted = fc.oneof(
  fc.ipV4().map((text) => text.replace(/^\d+/u, "10")),
  fc.constantFrom("127.0.0.1", "2001:db8::7", "fd00::1", "fd12:3456::9"),
);
const stranger = address.filter((one) => !proxies.has(one));
/** What a header can hold, most of it nonsense. */
const anything = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.array(fc.oneof(address, trusted, fc.string({ maxLength: 12 }))).map((list) => list.join(", ")),
);

describe("the address of a client", () => {
  it("is that of its socket when it is no trusted proxy, whatever it sends", () => {
    fc.assert(
      fc.property(stranger, fc.option(anything, { nil: undefined }), (socket, header) => {
        expect(clientAddress(socket, header, proxies)).toBe(socket);
      }),
    );
  });

  it("is what the proxy saw, whatever the client wrote before it", () => {
    fc.assert(
      fc.property(trusted, anything, stranger, (socket, written, client) => {
        expect(clientAddress(socket, `${written}, ${client}`, proxies)).toBe(client);
        expect(clientAddress(socket, `${written},${client}`, proxies)).toBe(client);
      }),
    );
  });

  it("is what the outermost of several proxies saw", () => {
    fc.assert(
      fc.property(
        trusted,
        anything,
        stranger,
        fc.array(trusted, { maxLength: 4 }),
        (socket, written, client, inner) => {
          const header = [written, client, ...inner].join(", ");
          expect(clientAddress(socket, header, proxies)).toBe(client);
        },
      ),
    );
  });

  it("is that of the socket when what the proxy wrote is no address", () => {
    const junk = fc
      .string({ maxLength: 20 })
      .filter((text) => !text.includes(",") && isIP(text.trim()) === 0);
    fc.assert(
      fc.property(trusted, anything, junk, fc.array(trusted), (socket, written, bad, inner) => {
        const header = [written, bad, ...inner].join(", ");
        expect(clientAddress(socket, header, proxies)).toBe(canonicalAddress(socket));
      }),
    );
  });

  it("is always one address, and never one that the header does not hold", () => {
    fc.assert(
      fc.property(fc.oneof(address, trusted), anything, (socket, header) => {
        const found = clientAddress(socket, header, proxies);
        expect(isIP(found)).not.toBe(0);
        const held = header.split(",").map((entry) => canonicalAddress(entry.trim()));
        expect([canonicalAddress(socket), ...held]).toContain(found);
      }),
    );
  });

  it.each([
    ["192.0.2.1", "198.51.100.1", "192.0.2.1"],
    ["127.0.0.1", undefined, "127.0.0.1"],
    ["127.0.0.1", "", "127.0.0.1"],
    ["127.0.0.1", "198.51.100.1", "198.51.100.1"],
    ["::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"],
    ["127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"],
    ["127.0.0.1", "2001:DB8:0::1", "2001:db8::1"],
    ["127.0.0.1", "1.1.1.1, 198.51.100.1, 10.1.2.3", "198.51.100.1"],
    ["127.0.0.1", "10.1.2.3, 10.1.2.4", "10.1.2.3"],
    ["127.0.0.1", "198.51.100.1,", "127.0.0.1"],
    ["127.0.0.1", "198.51.100.1:80", "127.0.0.1"],
    ["127.0.0.1", "198.51.100.001", "127.0.0.1"],
    ["127.0.0.1", "fe80::1%eth0", "127.0.0.1"],
    ["127.0.0.1", "unknown", "127.0.0.1"],
    ["fd00::1%eth0", "198.51.100.1", "198.51.100.1"],
    ["fe80::1%eth0", "198.51.100.1", "fe80::1%eth0"],
    ["unknown", "198.51.100.1", "unknown"],
  ])("from %s with %j is %s", (socket, header, client) => {
    expect(clientAddress(socket, header, proxies)).toBe(client);
  });
});

describe("an address", () => {
  it("has one way of being written, which means the same", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const canonical = canonicalAddress(text)!;
        expect(canonicalAddress(canonical)).toBe(canonical);
        const list = new BlockList();
        list.addAddress(text, "ipv6");
        const mapped = isIP(canonical) === 4 ? `::ffff:${canonical}` : canonical;
        expect(list.check(mapped, "ipv6")).toBe(true);
      }),
    );
  });
});

describe("a range of proxies", () => {
  it.each([
    ["nowhere/8", null],
    ["10.0.0.0/8", "10.0.0.0/8"],
    ["10.1.2.3", "10.1.2.3"],
    ["::FFFF:10.1.2.3", "10.1.2.3"],
    ["2001:DB8::/032", "2001:db8::/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["10.0.0.0/33", null],
    ["::1/129", null],
    ["10.0.0.0/", null],
    ["10.0.0.0/8/8", null],
    ["10.0.0.0/-1", null],
    ["10.0.0", null],
    ["fe80::1%eth0", null],
    ["localhost", null],
    ["", null],
  ])("%j is read as %j", (text, range) => {
    expect(readRange(text)).toBe(range);
  });

  it("holds what lies in it", () => {
    expect(proxies.has("10.255.0.1")).toBe(true);
    expect(proxies.has("11.0.0.1")).toBe(false);
    expect(proxies.has("fdff::1")).toBe(true);
    expect(proxies.has("2001:db8::8")).toBe(false);
    expect(new TrustedProxies(["0.0.0.0/0"]).has("203.0.113.9")).toBe(true);
    expect(new TrustedProxies([]).has("127.0.0.1")).toBe(false);
  });
});

describe("the other end of a socket", () => {
  it("may be a proxy that is trusted, however its address is written, and nothing else is one", () => {
    const proxies = new TrustedProxies(["10.0.0.0/8", "::1"]);
    for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "::1"])
      expect(isProxy(address, proxies)).toBe(true);
    for (const address of ["11.1.2.3", "::2", "fe80::1%eth0", "", "unknown"])
      expect(isProxy(address, proxies)).toBe(false);
  });
});
