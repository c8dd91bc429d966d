// What the scripts share: where the workspace is, where a tool's entry file is, and how to run one. Plain Node, no
// dependencies, so that it can say what is missing even before anything is installed.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The workspace's root folder. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * The JavaScript file behind a dev dependency's command: run with `process.execPath` it needs no shell and no PATH.
 * Ends the process with the command to type when the dependency is not installed.
 *
 * @param {string} packageName
 * @param {string} [command] name of the command, when it is not the package's name
 * @returns {string} absolute path
 */
export function toolEntry(packageName, command = packageName) {
  const folder = `${root}node_modules/${packageName}/`;
  if (!existsSync(`${folder}package.json`)) {
    console.error(
      `${packageName} is not installed. Install the workspace first:\n  npx --yes pnpm@10 install`,
    );
    process.exit(1);
  }
  const { bin } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
  return folder + (typeof bin === "string" ? bin : bin[command]);
}

/**
 * The compiler that checks types and builds. It is the native one, which finds the same errors and writes the same files
 * in a quarter of the time; `typescript` itself is what typedoc and our own readers of syntax trees import.
 *
 * @returns {string} absolute path of its entry file
 */
export function compiler() {
  return toolEntry("typescript-native", "tsc");
}

/**
 * Runs a Node program to its end.
 *
 * @param {string[]} args entry file and its arguments
 * @param {{ show: boolean, env?: Record<string, string> }} options `show`: straight to the terminal, not collected
 * @returns {Promise<{ code: number, output: string }>} `code` is 1 when a signal ended it
 */
export function runNode(args, { show, env }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: show ? "inherit" : ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}
