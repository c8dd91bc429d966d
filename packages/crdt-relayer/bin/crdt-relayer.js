#!/usr/bin/env node
// In a clone the command runs from its TypeScript source; in an installed package from dist.
import { existsSync } from "node:fs";

if (existsSync(new URL("../src/cli.ts", import.meta.url))) {
  const { register } = await import("tsx/esm/api");
  register();
  await import("../src/cli.ts");
} else {
  await import("../dist/cli.js");
}
