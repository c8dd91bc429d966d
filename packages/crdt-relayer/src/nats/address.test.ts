import { describe, expect, it } from "vitest";
import { readNatsAddress, shownNatsAddress } from "./address.ts";

describe("an address of NATS", () => {
  it("names a server, and the usual port when it names none", () => {
    expect(readNatsAddress("nats://localhost")).toEqual({
      servers: ["localhost:4222"],
      tls: false,
      user: null,
      password: null,
      token: null,
    });
    expect(readNatsAddress("nats://[::1]:4333/")?.servers).toEqual(["[::1]:4333"]);
  });

  it("may name several servers of one kind, of which one says who comes", () => {
    const address = readNatsAddress("tls://a:1, tls://relay:s%40fe@b:2,tls://c");
    expect(address).toMatchObject({ servers: ["a:1", "b:2", "c:4222"], tls: true });
    expect(address).toMatchObject({ user: "relay", password: "s@fe", token: null });
    expect(readNatsAddress("tls://a,nats://b")).toBeNull();
  });

  it("takes a name without a password for a token", () => {
    expect(readNatsAddress("nats://t%2Fk@host")).toMatchObject({ user: null, token: "t/k" });
  });

  it("is shown without what opens it", () => {
    const address = readNatsAddress("tls://relay:secret@a,tls://b:1");
    expect(address === null ? "" : shownNatsAddress(address)).toBe("tls://a:4222,tls://b:1");
  });

  it("is nothing else", () => {
    for (const text of [
      "",
      "host:4222",
      "http://host",
      "nats://",
      "nats://host/path",
      "nats://host?a=b",
      "nats://host#a",
      "nats://host:99999",
      "nats://%zz@host",
      "nats://a:%zz@host",
      "nats://host,",
      ",nats://host",
    ])
      expect([text, readNatsAddress(text)]).toEqual([text, null]);
  });
});
