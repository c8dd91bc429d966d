/** All suites that run in processes of their own, in the order of the report. */
import type { Suite } from "../suite.ts";
import { catchUp } from "./catch-up.ts";
import { coldStart } from "./cold-start.ts";
import { concurrent } from "./concurrent.ts";
import { list1m } from "./list-1m.ts";
import { lists } from "./lists.ts";
import { localChangePerEdit } from "./local-change-per-edit.ts";
import { localOneChange } from "./local-one-change.ts";
import { localSigned } from "./local-signed.ts";
import { maps } from "./maps.ts";
import { memory } from "./memory.ts";
import { receiveSigned } from "./receive-signed.ts";
import { relay } from "./relay.ts";
import { saveLoad } from "./save-load.ts";
import { wide } from "./wide.ts";

/** The suites. */
export const SUITES: readonly Suite[] = [
  localOneChange,
  localChangePerEdit,
  localSigned,
  receiveSigned,
  catchUp,
  concurrent,
  saveLoad,
  memory,
  lists,
  list1m,
  maps,
  wide,
  coldStart,
  relay,
];

/** The suite of a name; throws if there is none. */
export function suiteOf(name: string): Suite {
  const suite = SUITES.find((one) => one.name === name);
  if (suite === undefined) throw new Error(`there is no suite ${JSON.stringify(name)}`);
  return suite;
}
