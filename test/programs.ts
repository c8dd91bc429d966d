/** Programs of the workspace as tests start them. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The arguments for Node that run a source, named from the root: what is built of it, where the tests' setup has built it (see built-programs.ts). */
export function programOf(source: string): readonly string[] {
  const built = process.env["BUILT_PROGRAMS"];
  return built === undefined
    ? ["--import", "tsx", join(root, source)]
    : [join(built, source.replace(/\.ts$/u, ".js"))];
}
