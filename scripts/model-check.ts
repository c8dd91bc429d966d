// `pnpm model-check`: see packages/bft-json-crdt/test/model-check/command.ts.
import { main } from "../packages/bft-json-crdt/test/model-check/command.ts";
import { runCommand } from "./help.ts";

process.exitCode = await runCommand(main);
