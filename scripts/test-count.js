// A vitest reporter that writes the truthful count of a run to the file named by TEST_COUNT_FILE, as JSON. A file that
// could not be loaded and an error outside any test each count as one failure: otherwise "0 failed" could stand under a
// run that failed.
import { writeFileSync } from "node:fs";

/** A class and a default export because vitest makes an instance of what a reporter file exports by default. */
export default class TestCount {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") count.passed++;
        else if (state === "skipped") count.skipped++;
        else count.failed++;
      }
      count.failed += module.errors().length;
      for (const suite of module.children.allSuites()) count.failed += suite.errors().length;
    }
    const file = process.env["TEST_COUNT_FILE"];
    if (file) writeFileSync(file, JSON.stringify(count));
  }
}
