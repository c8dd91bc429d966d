/**
 * Before all tests: the packages are built as they are published, once, so that the hundreds of commands that tests start do not
 * each compile them anew. Where nothing is built (a test that is run in another way), commands run from their sources.
 */
import { join } from "node:path";
import { build } from "../bench/src/build.ts";

/** Called by vitest; its workers have the environment that this leaves. */
export function setup(): void {
  process.env["BUILT_PACKAGES"] = join(build(), "node_modules");
}
