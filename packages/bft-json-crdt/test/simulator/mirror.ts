/**
 * A view that is kept up to date by patches alone, as an application's own state would be.
 */
import { compareBytes, encodeValue, toHex } from "../../src/encoding/index.ts";
import type { Value } from "../../src/encoding/index.ts";
import type { Patch } from "../../src/document/index.ts";

/** Plain data, changed in place by patches. */
export class Mirror {
  view: unknown;

  constructor(view: unknown) {
    this.view = view;
  }

  /** Applies one patch; throws an Error when it does not fit. */
  apply(patch: Patch): void {
    const names = ["view", ...patch.path];
    const last = names.pop()!;
    let holder = this as unknown as Record<string | number, unknown>;
    for (const name of names) holder = holder[name] as Record<string | number, unknown>;
    switch (patch.action) {
      case "set":
        holder[last] = patch.value;
        return;
      case "unset":
        if (Array.isArray(holder) || !(last in holder)) throw new Error("nothing to unset");
        delete holder[last];
        return;
      case "splice": {
        const items = holder[last] as unknown[];
        if (patch.index + patch.remove > items.length) throw new Error("a splice beyond the list");
        items.splice(patch.index, patch.remove, ...patch.insert);
        return;
      }
      case "spliceText": {
        const text = holder[last] as string;
        const end = patch.index + patch.remove;
        if (end > text.length) throw new Error("a splice beyond the text");
        holder[last] = text.slice(0, patch.index) + patch.insert + text.slice(end);
        return;
      }
      case "add":
      case "delete":
        setMember(holder[last] as Value[], patch.value, patch.action === "add");
    }
  }
}

function setMember(members: Value[], value: Value, isMember: boolean): void {
  const key = toHex(encodeValue(value));
  const index = members.findIndex((member) => toHex(encodeValue(member)) === key);
  if (index >= 0 === isMember) throw new Error("a set was told what it knew");
  if (isMember) members.push(value);
  else members.splice(index, 1);
  members.sort((a, b) => compareBytes(encodeValue(a), encodeValue(b)));
}
