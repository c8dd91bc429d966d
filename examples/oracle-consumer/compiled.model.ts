/** The contracts, compiled once for all files of tests in one process. */
import { compile } from "./compile.ts";

export const artifacts = compile();
