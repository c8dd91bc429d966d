// `pnpm model-check`: see packages/bft-json-crdt/test/model-check/command.ts.
import { main } from "../packages/bft-json-crdt/test/model-check/command.ts";

process.exitCode = await main(process.argv.slice(2));
