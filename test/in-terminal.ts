/** A command in a terminal of its own that can be closed, as who closes its window. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

/** A command that runs in a terminal. */
export interface InTerminal {
  /** Resolves, when it has said this, to the first group of the pattern. */
  says(pattern: RegExp): Promise<string>;
  /** Types a line, or whatever else: "\x03" is Ctrl-C. */
  type(text: string): void;
  /** As who closes its window. */
  closeTerminal(): void;
  /** Its exit code, or the negative number of the signal that ended it. */
  readonly ended: Promise<number>;
}

/**
 * Node cannot make terminals, and Python can: this makes one, starts a command in it, types what comes as its own input and
 * shows what the command prints, until either ends. The command finds the output of all this as descriptor 3.
 */
const TERMINAL = `
import os, pty, select, sys
os.dup2(1, 3)
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
print("process", child, flush=True)
while True:
    ready = select.select([0, terminal], [], [])[0]
    if 0 in ready:
        typed = os.read(0, 4096)
        if not typed:
            break
        os.write(terminal, typed)
    if terminal in ready:
        try:
            shown = os.read(terminal, 4096)
        except OSError:
            break
        os.write(1, shown)
os.close(terminal)
print("\\nended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
`;

/**
 * Starts a command in a terminal. What of it that is to be is for `script` to say, a line of sh for which the command is "$@":
 * `exec "$@"` puts all of it there, `exec "$@" < /dev/null` all but its input. Ends with the test.
 */
export function runInTerminal(
  script: string,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
): InTerminal {
  const child = spawn("python3", ["-c", TERMINAL, "sh", "-c", script, "sh", ...command], {
    stdio: ["pipe", "pipe", "pipe"],
    env,
  });
  child.on("error", () => undefined); // `close` comes as well
  child.stdin.on("error", () => undefined);
  let text = "";
  const closed = once(child, "close");
  const says = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const found = pattern.exec(text);
      if (found !== null) return found[1] ?? "";
      const isOver = child.stdout.readableEnded || child.stdout.destroyed;
      if (isOver) throw new Error(`python3, which the test needs, never told ${pattern}: ${text}`);
      await Promise.race([once(child.stdout, "data"), closed]);
    }
  };
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data: Buffer) => (text += data.toString()));
  let isEnded = false;
  const ended = says(/^ended (-?\d+)\n/mu).then((code) => {
    isEnded = true;
    return Number(code);
  });
  // Whoever does not wait for it has failed already.
  ended.catch(() => undefined);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    const pid = /^process (\d+)$/mu.exec(text)?.[1];
    if (!isEnded && pid !== undefined) process.kill(Number(pid), "SIGKILL");
    await closed;
  });
  return {
    says,
    ended,
    type: (typed) => child.stdin.write(typed),
    closeTerminal: () => child.stdin.end(),
  };
}
