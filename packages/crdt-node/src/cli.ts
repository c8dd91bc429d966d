/** The entry of the crdt-node command; program.ts says what there is, commands/ what each of them does. */
import { endIfTerminalIsClosed, leave } from "./leave.ts";
import { onOutputClosed } from "./output.ts";
import { main, reportFailure } from "./program.ts";

onOutputClosed();
// A mistake of ours that no command has caught: everything stored is durable, so ending is safe.
process.on("uncaughtException", (error) => {
  leave(reportFailure(error));
});
process.exitCode = await main(process.argv.slice(2));
endIfTerminalIsClosed();
