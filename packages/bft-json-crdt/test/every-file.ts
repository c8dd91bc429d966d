/** What is done for each file of tests of the library, the examples, the relay and the node before it begins. */
import { afterAll, expect } from "vitest";
import { rememberVerdicts } from "./remembered-verdicts.ts";
import { tellBytesQuickly } from "./equal-bytes.ts";

tellBytesQuickly();

/** The tests of signatures themselves ask the real code each time. */
const ABOUT_SIGNATURES = /\/src\/crypto\/|\/test\/remembered-verdicts\.test\.ts$/u;

if (!ABOUT_SIGNATURES.test(expect.getState().testPath ?? "")) afterAll(rememberVerdicts());
