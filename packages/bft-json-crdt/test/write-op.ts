/**
 * Ops to bytes by what docs/wire-format.md says of them, apart from how the library writes them (draft-encoder.ts): for
 * tests, which write what no editor makes, and as a second opinion on what editors do.
 */
import {
  OP_ADD,
  OP_ASSIGN,
  OP_INCREMENT,
  OP_INSERT_TEXT,
  OP_INSERT_VALUES,
  OP_REMOVE,
} from "../src/change/index.ts";
import type { ElementTarget, InertOp, Op, Place } from "../src/change/index.ts";
import type { ByteWriter } from "../src/encoding/writer.ts";

/** Writes one op. An INERT op cannot be written: it has lost its content. */
export function writeOp(writer: ByteWriter, op: Exclude<Op, InertOp>): void {
  writer.arrayHeader(4);
  writer.uint(op.kind);
  writer.uint(op.made);
  switch (op.kind) {
    case OP_INSERT_VALUES:
    case OP_INSERT_TEXT:
      if (op.parent === null) {
        writer.arrayHeader(1);
        writePlace(writer, op.place!);
      } else {
        writer.arrayHeader(4);
        writer.uint(op.side);
        writeElement(writer, op.parent);
      }
      if (typeof op.content === "string") {
        writer.text(op.content);
      } else {
        writer.arrayHeader(op.content.length);
        for (const value of op.content) writer.value(value);
      }
      return;
    case OP_REMOVE:
      writer.arrayHeader(op.ranges.length);
      writeNumbers(writer, op.ranges);
      writer.null();
      return;
    case OP_ASSIGN:
    case OP_ADD:
      writer.arrayHeader(1 + op.ranges.length);
      writePlace(writer, op.place);
      writeNumbers(writer, op.ranges);
      writer.value(op.content);
      return;
    case OP_INCREMENT:
      writer.arrayHeader(1);
      writePlace(writer, op.place);
      writer.value(op.amount);
      return;
  }
}

function writePlace(writer: ByteWriter, { owner, path }: Place): void {
  writer.arrayHeader(path.length + (owner === null ? 0 : 3));
  if (owner !== null) writeElement(writer, owner);
  for (const name of path) writer.text(name);
}

function writeNumbers(writer: ByteWriter, numbers: readonly number[]): void {
  for (const number of numbers) writer.uint(number);
}

function writeElement(writer: ByteWriter, { ref, back, index }: ElementTarget): void {
  writer.uint(ref);
  writer.uint(back);
  writer.uint(index);
}
