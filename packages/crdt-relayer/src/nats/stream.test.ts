import type { StreamConfig } from "@nats-io/jetstream";
import { documentId, MAX_GROUP_BYTES } from "bft-json-crdt";
import { describe, expect, it } from "vitest";
import { faultOfStream, subjectOf, subjectsOf } from "./stream.ts";

const SETTINGS = { backplaneStream: "rooms", backplaneReplicas: 3 };

/** A stream that is fit. */
const FIT = {
  name: "rooms",
  subjects: ["rooms.*"],
  retention: "limits",
  storage: "file",
  discard: "new",
  num_replicas: 3,
  max_msgs: -1,
  max_bytes: -1,
  max_age: 0,
  max_msgs_per_subject: -1,
  max_msg_size: -1,
} as unknown as StreamConfig;

function faultOf(change: { readonly [field: string]: unknown }): string | null {
  return faultOfStream({ ...FIT, ...change }, SETTINGS);
}

describe("a stream", () => {
  it("has one subject for each document, in which nothing of a room's name is left", () => {
    for (const name of [">", "*", "a.b", "../..", "\r\nPUB x", "\u0000"])
      expect(subjectOf("rooms", documentId(name))).toMatch(/^rooms\.[0-9a-f]{64}$/u);
    expect(subjectsOf("rooms")).toBe("rooms.*");
  });

  it("is fit when it forgets nothing by itself", () => {
    expect(faultOf({})).toBeNull();
    expect(faultOf({ max_bytes: 1e12, max_msgs: 1e9 })).toBeNull();
    expect(faultOf({ discard: "old" })).toBeNull();
    expect(faultOf({ num_replicas: 5, max_msg_size: MAX_GROUP_BYTES })).toBeNull();
  });

  it.each([
    [{ subjects: ["rooms.>"] }, "its subjects are rooms.>"],
    [{ subjects: [] }, "its subjects are none"],
    [{ subjects: ["rooms.*", "more"] }, "its subjects are rooms.*, more"],
    [{ storage: "memory" }, "in memory"],
    [{ retention: "workqueue" }, "that were read"],
    [{ max_age: 1 }, "max_age"],
    [{ max_msgs_per_subject: 5 }, "max_msgs_per_subject"],
    [{ discard: "old", max_bytes: 1e12 }, "discard: old"],
    [{ discard: "old", max_msgs: 1e9 }, "discard: old"],
    [{ num_replicas: 1 }, "kept by 1 server, not 3"],
    [{ max_msg_size: MAX_GROUP_BYTES - 1 }, "max_msg_size"],
  ])("is not fit with %j", (change, why) => {
    expect(faultOf(change)).toContain(why);
  });
});
