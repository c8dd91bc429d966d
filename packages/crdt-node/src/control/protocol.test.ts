/** What counts as a request, and as a reply, on the control socket. */
import { expect, test } from "vitest";
import { readReply, readRequest } from "./protocol.ts";

const JUNK = ["nothing", "{", "null", "17", '"text"', "true", "[]", '[{"id":1,"method":"view"}]'];

test("a request has a whole number, a method, and parameters by name or none", () => {
  expect(readRequest('{"id":1,"method":"view"}')).toEqual({ id: 1, method: "view", params: {} });
  expect(readRequest('{"id":-7,"method":"","params":{"a":[1]},"more":0}')).toEqual({
    id: -7,
    method: "",
    params: { a: [1] },
  });
});

test("equal names in different objects, and braces and quotes in texts, are no fault", () => {
  const params = { id: { id: '{"a":1,"a":2}\\"' }, list: [{ id: 1 }, { id: 2 }, "id", "id"] };
  expect(readRequest(JSON.stringify({ id: 1, method: "m", params }))?.params).toEqual(params);
  const deepest = `${"[".repeat(30)}${"]".repeat(30)}`;
  expect(readRequest(`{"id":1,"method":"m","params":{"a":${deepest}}}`)).not.toBeNull();
});

test.each([
  ...JUNK,
  "{}",
  '{"method":"view"}',
  '{"id":null,"method":"view"}',
  '{"id":"1","method":"view"}',
  '{"id":1.5,"method":"view"}',
  '{"id":1e300,"method":"view"}',
  '{"id":9007199254740992,"method":"view"}',
  '{"id":1}',
  '{"id":1,"method":7}',
  '{"id":1,"method":["view"]}',
  '{"id":1,"method":"view","params":null}',
  '{"id":1,"method":"view","params":[]}',
  '{"id":1,"method":"view","params":"all"}',
  '{"id":1,"method":"view","params":7}',
  '{"id":1,"id":1,"method":"view"}',
  '{"id":1,"method":"view","params":{"a":[{"b":1, "\\u0062" :2}]}}',
  `{"id":1,"method":"view","params":{"a":${"[".repeat(31)}${"]".repeat(31)}}}`,
])("no request: %s", (line) => {
  expect(readRequest(line)).toBeNull();
});

test.each([
  '{"hello":{"protocol":1}}',
  '{"id":1,"part":"text"}',
  '{"id":1,"part":null}',
  '{"id":1,"result":null}',
  '{"id":null,"error":{"exitCode":2,"what":"no"}}',
])("a reply: %s", (line) => {
  expect(readReply(line)).toEqual(JSON.parse(line));
});

test.each([
  ...JUNK,
  "{}",
  '{"id":1}',
  '{"hello":null}',
  '{"hello":"you"}',
  '{"hello":[]}',
  '{"id":1,"error":null}',
  '{"id":1,"error":"no"}',
  '{"id":1,"error":["no"]}',
])("no reply: %s", (line) => {
  expect(readReply(line)).toBeNull();
});
