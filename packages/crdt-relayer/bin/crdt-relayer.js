#!/usr/bin/env node
// In a clone the command runs from its TypeScript source; in an installed package from dist.
import { existsSync, readFileSync } from "node:fs";

const [first, ...others] = process.argv.slice(2);
if ((first === "--version" || first === "-V") && others.length === 0) {
  // Answered before anything is loaded: scripts ask for it again and again.
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  process.stdout.on("error", (error) => {
    // Nobody reads it any more.
    if (error.code === "EPIPE" || error.code === "EIO") return;
    process.exitCode = 1;
    process.stderr.write(`crdt-relayer: ${error.message}\n`);
  });
  process.stdout.write(`${JSON.parse(manifest).version}\n`);
} else if (existsSync(new URL("../src/cli.ts", import.meta.url))) {
  const { register } = await import("tsx/esm/api");
  register();
  await import("../src/cli.ts");
} else {
  await import("../dist/cli.js");
}
