/**
 * `pnpm example cross-chain-relay`: messages from one chain to another, carried by relayers whom nobody trusts. A validator
 * with less than a third of the stake forges, signs two roots for one block and reports two prices.
 */
import { command, run } from "example-kit";
import { Story } from "./story.ts";

await run(
  command("cross-chain-relay", "messages between two chains, carried by relayers nobody trusts"),
  ({ seed }) => new Story(seed).tell(),
);
