import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,bench,examples,test,fuzz}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    // One core more than the default: the longest tests mostly wait for other processes.
    maxWorkers: availableParallelism(),
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
