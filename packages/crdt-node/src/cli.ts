/** The entry of the crdt-node command; program.ts says what there is, commands/ what each of them does. */
import { onOutputClosed } from "./output.ts";
import { main } from "./program.ts";

onOutputClosed();
process.exitCode = await main(process.argv.slice(2));
