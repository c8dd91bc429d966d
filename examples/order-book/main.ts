/**
 * `pnpm example order-book`: traders and matchers without an exchange. Two matchers fill one order twice while they cannot
 * hear each other, an owner cancels, one liar back-dates and another promises one lot to two buyers.
 */
import { atLeast, command, run } from "example-kit";
import { measure } from "./measure.ts";
import { Story } from "./story.ts";

await run(
  command(
    "order-book",
    "an order book that nobody runs: who trades what, without an exchange",
  ).option("--measure <executions>", "only measure how long a book of so many takes", atLeast(1)),
  ({ seed, measure: count }) => {
    if (typeof count !== "number") {
      new Story(seed).tell();
      return;
    }
    const { milliseconds, changes } = measure(Math.floor(count));
    process.stdout.write(
      `${Math.floor(count)} executions, ${changes} changes: ${milliseconds.toFixed(0)} ms for one view\n`,
    );
  },
);
