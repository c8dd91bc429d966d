import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{packages,bench,examples,test}/**/*.test.ts"],
    exclude: ["**/node_modules/**", "**/dist/**"],
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
