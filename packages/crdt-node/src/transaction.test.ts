import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatTransaction, parseTransaction, type Transaction } from "./transaction.ts";

function parsed(line: string): Transaction {
  const result = parseTransaction(line);
  if (result.kind !== "transaction") throw new Error(`${line}: ${JSON.stringify(result)}`);
  return result.transaction;
}

function message(line: string): string {
  const result = parseTransaction(line);
  return result.kind === "error" ? result.message : `no error: ${JSON.stringify(result)}`;
}

describe("a transaction line", () => {
  test("in the arrow form names who, whom, how much and why", () => {
    expect(parsed("alice -> bob 10")).toEqual({ from: "alice", to: "bob", amount: 10 });
    expect(parsed("  alice->bob 2.50   two  teas ")).toEqual({
      from: "alice",
      to: "bob",
      amount: 2.5,
      memo: "two  teas",
    });
    expect(parsed("žofie → 小明 007 🍰")).toEqual({
      from: "žofie",
      to: "小明",
      amount: 7,
      memo: "🍰",
    });
    expect(parsed("a -> b 1 x -> y")).toEqual({ from: "a", to: "b", amount: 1, memo: "x -> y" });
  });

  test("in the JSON form has those fields and no others", () => {
    expect(parsed('{"from":"a b","to":"c","amount":0.5}')).toEqual({
      from: "a b",
      to: "c",
      amount: 0.5,
    });
    expect(parsed('{"from":"a","to":"c","amount":1,"memo":""}')).toEqual({
      from: "a",
      to: "c",
      amount: 1,
    });
    expect(message('{"from":"a","to":"c","amount":1,"note":"x"}')).toContain(
      'unknown field "note"',
    );
    expect(message('{"from":"a","to":"c","amount":1,"__proto__":{}}')).toContain(
      'unknown field "__proto__"',
    );
    expect(message('{"from":"","to":"c","amount":1}')).toContain('"from" must be');
    expect(message('{"from":"a","to":3,"amount":1}')).toContain('"to" must be');
    expect(message('{"from":"a","to":"c","amount":"1"}')).toContain('"amount" must be');
    expect(message('{"from":"a","to":"c"')).toContain("broken JSON");
    expect(message('{"from":"\\ud800","to":"c","amount":1}')).toContain("Unicode");
  });

  test("of any other text is from that text to Bob, as in the prototype", () => {
    expect(parsed("hello there")).toEqual({ from: "hello there", to: "Bob", amount: 1 });
    expect(parsed("alice bob 10")).toEqual({ from: "alice bob 10", to: "Bob", amount: 1 });
  });

  test("that was meant as a transaction and is none is never taken for bare text", () => {
    expect(message("alice -> bob ten")).toBe(
      'the amount after "bob" must be a number like 10 or 2.50, not "ten"',
    );
    expect(message("alice -> bob")).toContain('expected "FROM -> TO AMOUNT [MEMO]"');
    expect(message("alice smith -> bob 10")).toContain("JSON form");
    expect(message("-> bob 10")).toContain("expected");
    expect(message("alice -> bob -10")).toContain("must be a number");
    expect(message("alice -> bob 1e3")).toContain("must be a number");
    expect(message("alice -> bob NaN")).toContain("must be a number");
    expect(message("alice -> bob 0")).toContain("greater than 0");
    expect(message('{"from":"a","to":"b","amount":-1}')).toContain("greater than 0");
    expect(message('{"from":"a","to":"b","amount":1e999}')).toContain("is too large");
  });

  test("with an amount that would lose digits is refused", () => {
    expect(parsed("a -> b 9007199254740991").amount).toBe(9_007_199_254_740_991);
    expect(message("a -> b 9007199254740993")).toContain("more digits");
    expect(message("a -> b 0.1234567890123456789")).toContain("more digits");
    expect(message('{"from":"a","to":"b","amount":9007199254740993}')).toContain("kept exactly");
  });

  test("in the JSON form loses no digits either, whatever stands in its texts", () => {
    const json = (amount: string, memo = ""): string =>
      `{"from":"a","to":"b","memo":${JSON.stringify(memo)},"amount":${amount}}`;
    expect(message(json("0.1234567890123456789"))).toContain("more digits");
    expect(message(json("1000000000000000.12"))).toContain("more digits");
    expect(message(json("1e400"))).toContain("is too large");
    expect(parsed(json("0.1", '"amount":0.1234567890123456789')).amount).toBe(0.1);
    expect(parsed(json("9007199254740991")).amount).toBe(9_007_199_254_740_991);
    expect(parsed(json(String(0.1 + 0.2))).amount).toBe(0.1 + 0.2);
  });

  test("that looks like a command or a slip is refused in one line", () => {
    for (const line of [
      "status",
      "Clear",
      "crdt-node view alice",
      "crdt-relayer --port 8080",
      "alice > bob 10",
      "alice = bob",
      "/quit",
      "/join main",
      "[1,2]",
      "alice => bob 10",
      "quit",
      "Exit",
      "help",
      "?",
    ]) {
      expect(message(line)).toContain("alice -> bob 10");
      expect(message(line)).not.toContain("\n");
    }
    expect(message("quit")).toContain("Ctrl-C ends");
    expect(message("help")).toContain("crdt-node --help");
    expect(parsed("quit smoking").from).toBe("quit smoking");
    expect(parsed("a -> b 1 x => y").memo).toBe("x => y");
  });

  test("that has a command or an option in it, or a dash for the arrow, is refused and told the right form", () => {
    for (const line of [
      "alice - bob ten",
      "a - b",
      "a – b",
      "a — b 10",
      "alice -- bob 10",
      "alice smith - bob 10",
      ":q",
      ":wq",
      "-5",
      "--help",
      "node1 status",
      "alice View",
      "view alice",
      "log alice --json",
      "whoami",
    ]) {
      expect(message(line)).toContain("alice -> bob 10");
      expect(message(line)).not.toContain("\n");
    }
    expect(message("node1 status")).toContain("looks like a command");
    expect(message("a – b")).toContain("has a dash where the arrow");
  });

  test("that is a sentence is none of those, whatever its hyphens", () => {
    for (const line of [
      "thanks for lunch - see you tomorrow",
      "a well-known café",
      "see you at 5 - or 6",
      "what is the status of node1",
      ":-)",
      "run for your life",
      "– as they say",
    ])
      expect(parsed(line)).toEqual({ from: line, to: "Bob", amount: 1 });
    expect(parsed("a -> b 1 this - and that 2").memo).toBe("this - and that 2");
  });

  test("with a control character in it, as an arrow key leaves it, is refused in every form", () => {
    for (const line of [
      "\u001b[A -> Bob 1",
      "\u001b[A",
      "\u001bOP",
      "hel\u0008lo",
      "a -> b 1 lun\u007fch",
      "a -> b 1 \u009b31m",
      "a -> b\u0000 1",
      '{"from":"a","to":"b\u007f","amount":1}',
      '{"from":"a","to":"b","amount":1}\u001b[A',
    ])
      expect(message(line)).toContain("the text holds a control character");
    expect(message("\u001b[A")).toContain("(\\u001b), which arrow keys");
    expect(message("a -> b 1 two\nlines")).toContain("a transaction is one line");
    expect(message("one\rtwo")).toContain("a transaction is one line");
  });

  test("may have tabs between its words, line breaks between the parts of its JSON, and escapes in its texts", () => {
    expect(parsed("a\t->\tb\t1\tfor\ttea")).toEqual({
      from: "a",
      to: "b",
      amount: 1,
      memo: "for\ttea",
    });
    expect(parsed('{\r\n\t"from":"a",\n"to":"b",\n"amount":1\n}').to).toBe("b");
    expect(parsed('{"from":"a","to":"b","amount":1,"memo":"\\u001b[A\\u007f\\ufffd"}').memo).toBe(
      "\u001b[A\u007f\ufffd",
    );
  });

  test("of bytes that were no UTF-8 is refused in every form", () => {
    for (const line of [
      "caf\ufffd",
      "caf\ufffd -> b 1",
      '{"from":"caf\ufffd","to":"b","amount":1}',
    ])
      expect(message(line)).toContain("not UTF-8");
  });

  test("of nothing but arrows is read in no more steps than it has characters", () => {
    expect(message("->".repeat(16_000))).toContain("expected");
    expect(message(`a${"->".repeat(16_000)}`)).toContain("expected");
    expect(message(`a ${"-> ".repeat(16_000)}`)).toContain("must be a number");
  });

  test("that is empty is nothing", () => {
    for (const line of ["", "   ", "\t"]) expect(parseTransaction(line)).toEqual({ kind: "empty" });
  });

  test("is quoted in an error without what steers a terminal", () => {
    expect(message("a -> b \u001b[31mred")).not.toContain("\u001b");
    expect(message(`a -> b ${"x".repeat(9_000)}`).length).toBeLessThan(200);
  });
});

const text = fc.string({ unit: "grapheme", minLength: 1 }).filter((value) => value.isWellFormed());
const transactions: fc.Arbitrary<Transaction> = fc.record(
  {
    from: text,
    to: text,
    amount: fc.oneof(
      fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      fc.double({ min: Number.MIN_VALUE, max: Number.MAX_SAFE_INTEGER, noNaN: true }),
    ),
    memo: text,
  },
  { requiredKeys: ["from", "to", "amount"] },
);

describe("formatting", () => {
  test("gives one line that reads back as the same transaction", () => {
    fc.assert(
      fc.property(transactions, (transaction) => {
        const line = formatTransaction(transaction);
        expect(line).not.toMatch(/[\r\n]/u);
        expect(parsed(line)).toEqual(transaction);
      }),
    );
  });

  test("uses the arrow form where it can", () => {
    expect(formatTransaction({ from: "alice", to: "bob", amount: 10, memo: "lunch" })).toBe(
      "alice -> bob 10 lunch",
    );
    expect(formatTransaction({ from: "al ice", to: "bob", amount: 10 })).toBe(
      '{"from":"al ice","to":"bob","amount":10}',
    );
  });
});

test("no line of any text throws", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: "binary" }),
        fc.json(),
        fc.string().map((s) => `${s} -> ${s}`),
      ),
      (line) => {
        expect(["transaction", "empty", "error"]).toContain(parseTransaction(line).kind);
      },
    ),
  );
});

test.each([
  ['{"from":7,"to":"bob","amount":1}', '"from" must be a text'],
  ['{"from":"a","to":"","amount":1}', '"to" must be a text'],
  ['{"from":"a","to":"b","amount":1,"memo":7}', '"memo" must be a text'],
  ['{"from":"a","to":"b","amount":1,"memo":null}', '"memo" must be a text'],
])("a JSON form with a wrong field says which: %s", (line, message) => {
  expect(parseTransaction(line)).toMatchObject({
    kind: "error",
    message: expect.stringContaining(message) as string,
  });
});

test("a memo of two lines is written as JSON, in one line", () => {
  for (const memo of ["one\ntwo", "one\rtwo"]) {
    const transaction = { from: "a", to: "b", amount: 1, memo };
    expect(formatTransaction(transaction)).toBe(JSON.stringify(transaction));
  }
});

test("what a line must not hold as it is, is written with escapes, and reads back", () => {
  const transaction = { from: "a", to: "b", amount: 1, memo: "\u001b\u007f\u009b\ufffd" };
  const line = formatTransaction(transaction);
  expect(line).toBe('{"from":"a","to":"b","amount":1,"memo":"\\u001b\\u007f\\u009b\\ufffd"}');
  expect(parsed(line)).toEqual(transaction);
});
