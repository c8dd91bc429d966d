/**
 * Where checks are looked for: the files that stand between the outside and the state, and how strictly each is read.
 *
 * "guard": every condition whose consequence refuses, drops or bounds something. "throws": only what throws, because the
 * rest of the file is the flow of an API that only the own process calls.
 */

/** How a file is read. */
export type Reading = "guard" | "throws";

const CORE = "packages/bft-json-crdt/src";
const NODE = "packages/crdt-node/src";
const RELAY = "packages/crdt-relayer/src";

/** Files that guard, by their paths from the root of the repository. */
export const SCOPE: Readonly<Record<string, Reading>> = {
  ...all(`${CORE}/encoding`, "guard", "json objects reader text value writer"),
  [`${CORE}/encoding/bytes.ts`]: "guard",
  ...all(`${CORE}/crypto`, "guard", "backend-noble backend-node index key-cache pem points"),
  ...all(`${CORE}/change`, "guard", "body genesis group op"),
  ...all(
    `${CORE}/history`,
    "guard",
    "admission causal-queue chains fork-proof group-ahead history incoming reception screening verified",
  ),
  ...all(`${CORE}/types`, "guard", "additions assignments"),
  ...all(`${CORE}/schema`, "guard", "fit schema"),
  ...all(`${CORE}/document`, "guard", "opening state targets"),
  ...all(`${CORE}/document`, "throws", "document editor handles initial"),
  ...all(`${CORE}/commit-reveal`, "guard", "commitment records reach round"),
  ...all(`${CORE}/saved`, "guard", "columns file numbers pack reader seal view-codec"),
  ...all(`${CORE}/store`, "guard", "change-log record replay"),
  ...all(
    `${CORE}/sync`,
    "guard",
    "answers authentication budget comparison cursor cursor-teller inquiry messages outbound session slices tips",
  ),
  ...all(
    NODE,
    "guard",
    "bans chain control/protocol control/server control/strict-json cursors exchange guest key-file lines link mark peer-server room-rules store transaction",
  ),
  ...all(NODE, "throws", "home"),
  ...all(
    RELAY,
    "guard",
    "ahead authentication client-address commands conduct credit host-names intake origins pauses pieces pings rates relay request-queue resumption room room-name room-policy room-rules rooms session turns",
  ),
};

function all(folder: string, reading: Reading, names: string): Record<string, Reading> {
  return Object.fromEntries(names.split(" ").map((name) => [`${folder}/${name}.ts`, reading]));
}
