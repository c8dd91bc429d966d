// `pnpm simulate`: see packages/bft-json-crdt/test/simulator/command.ts.
import { main } from "../packages/bft-json-crdt/test/simulator/command.ts";

process.exitCode = await main(process.argv.slice(2));
