import { describe, expect, it } from "vitest";
import { Client, Participant } from "./participant.ts";
import { startRelay } from "./running.ts";

describe("a person with any WebSocket client", () => {
  it("looks into a room with /join and is told what is there", async () => {
    const { url } = await startRelay();
    const alice = await Participant.join(url, "main");
    await alice.untilDurable(alice.write("hello"));
    const person = await Client.open(url);
    expect(await person.ask("/join main")).toMatch(
      /^joined room "main" \(document [0-9a-f]{8}\): 1 change by 1 author; 1 program and 1 person here$/u,
    );
  });

  it("gets news in words, and never the protocol", async () => {
    const { url } = await startRelay();
    const person = await Client.open(url);
    expect(await person.ask("/join main")).toMatch(
      /no changes yet; 0 programs and 1 person here$/u,
    );
    const alice = await Participant.join(url, "main");
    expect(await person.text()).toBe("* a program came in; 1 program and 1 person here");
    for (let line = 0; line < 3; line++) alice.write(`line ${line}`);
    let heard = 0;
    while (heard < 3) {
      const news = /^\* (\d+) new changes? by author [0-9a-f]{8}; \d in all$/u.exec(
        await person.text(),
      );
      expect(news).not.toBeNull();
      heard += Number(news?.[1]);
    }
    await alice.leave();
    expect(await person.text()).toBe("* a program left; 0 programs and 1 person here");
  });

  it("hears of many who come and go at once how many they were, and nothing of itself", async () => {
    const { url } = await startRelay();
    const person = await Client.open(url);
    await person.ask("/join main");
    const others = await Promise.all(Array.from({ length: 40 }, () => Client.open(url)));
    for (const other of others) for (const line of ["/join main", "/leave"]) other.send(line);
    let moves = 0;
    let told = 0;
    for (; moves < 80; told++) {
      const news = await person.text();
      const [, many] =
        /^\* (?:(\d+) came or left|a person (?:came to look|left)); 0 programs and \d+ (?:person|people) here$/u.exec(
          news,
        ) ?? expect.fail(news);
      moves += Number(many ?? 1);
    }
    expect(moves).toBe(80);
    // Each is told at once, or waits for all that come within a quarter of a second.
    expect(told).toBeLessThan(20);
    expect(await person.ask("/who")).toBe('room "main": 0 programs and 1 person here');
  });

  it("can list the commands, leave, and ask who is there", async () => {
    const { url } = await startRelay();
    const person = await Client.open(url);
    expect(await person.ask("/help")).toContain("/join ROOM");
    expect(await person.ask("/who")).toBe("error: you are in no room yet; type /join ROOM first");
    expect(await person.ask("/leave")).toBe("error: you are in no room");
    await person.ask("/join a room with spaces");
    expect(await person.ask("/who")).toBe(
      'room "a room with spaces": 0 programs and 1 person here',
    );
    expect(await person.ask("/leave")).toBe("you left the room");
  });

  it("must join as a program to send changes", async () => {
    const { url } = await startRelay();
    const person = await Client.open(url);
    await person.ask("/join main");
    expect(JSON.parse(await person.ask(new Uint8Array([0x80])))).toMatchObject({
      type: "error",
      code: "not_joined",
    });
    expect(await person.ask("hello everyone")).toMatch(/^error: .*\/help/u);
  });

  it("goes from one room to another", async () => {
    const { url } = await startRelay();
    const person = await Client.open(url);
    await person.ask("/join one");
    await person.ask("/join two");
    const alice = await Participant.join(url, "one");
    await alice.untilDurable(alice.write("unheard"));
    expect(await person.ask("/who")).toBe('room "two": 0 programs and 1 person here');
  });
});
