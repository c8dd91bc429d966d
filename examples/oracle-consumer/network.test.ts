/** From the document to the contract: every replica exports the same, and liars do not move what the contract makes of it. */
import { Random, replicasOf, scenario } from "example-kit";
import { runs } from "example-kit/runs";
import fc from "fast-check";
import { aggregate, exportedAt, viewOf } from "example-oracle-network";
import { expect, it } from "vitest";
import { batchOf, domainOf, signerOf } from "./attestation.ts";
import { registryOf } from "./binding.ts";
import { bytes32Of, Chain } from "./chain.ts";
import { artifacts } from "./compiled.model.ts";
import { deploy } from "./deployment.ts";
import { Network, PAIR } from "./network.ts";

it("carries the same price to the chain from every replica, between honest ones, whoever lies or equivocates", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.boolean(), async (seed, isEquivocating) => {
      const network = new Network(seed);
      const participants = network.members.map(({ oracle }) => oracle.participant);
      network.run(120);
      const oscar = network.member("oscar").oracle.participant;
      const twin = oscar.twin();
      if (isEquivocating) {
        // It tells the reader's side one story and keeps another, which comes out at the end.
        twin.change((doc) => doc.reports.append({ attestation: "", kind: "outlier" }));
      }
      network.run(120);
      const everyone = [...participants, network.reader, ...(isEquivocating ? [twin] : [])];
      const replicas = replicasOf(scenario(everyone), new Random(seed), 4);
      const [exported, ...others] = replicas.map((replica) =>
        exportedAt(viewOf(replica, network.rules, network.now), PAIR),
      );
      for (const other of others) expect(other).toEqual(exported);
      expect(exported!.some(({ oracle }) => oracle === oscar.author)).toBe(!isEquivocating);

      const chain = await Chain.create(1n, BigInt(network.now));
      const owner = await chain.account("deployer");
      const registry = registryOf(network.members.map(({ binding }) => binding));
      const { rules } = network;
      const { aggregator } = await deploy(chain, artifacts, owner, {
        pair: PAIR,
        oracles: [...registry.keys()],
        quorum: 5n,
        faults: 2n,
        leastConfidence: 7_000n,
        leastSources: 2n,
        maxAge: 240n,
        maxLead: 2n,
        tolerance: rules.tolerance,
      });
      const domain = domainOf(chain.id, aggregator);
      const batch = network
        .attestations(domain)
        .filter(({ oracle }) => exported!.some((each) => each.oracle === registry.get(oracle)));
      for (const attestation of batch)
        expect(signerOf(attestation, domain)).toBe(attestation.oracle);
      const args = [bytes32Of(PAIR), batchOf(batch)];
      const { error, events } = await chain.send(owner, aggregator, "submit", args);
      expect(error).toBeNull();
      const model = aggregate(
        exported!.map(({ price, confidence }) => {
          return { price, confidence: BigInt(confidence), weight: BigInt(confidence) };
        }),
        rules,
      )!;
      const { price, mean, deviation, confidence, kept } = model;
      const numbers = [price, mean, deviation, confidence, BigInt(kept.length)];
      expect(events[0]?.args.slice(2)).toEqual(numbers);
      const honest = exported!
        .filter(({ oracle }) => participants.slice(0, 5).some(({ author }) => author === oracle))
        .map((each) => each.price);
      expect(honest.some((each) => each <= price) && honest.some((each) => each >= price)).toBe(
        true,
      );
    }),
    {
      ...runs(5),
      examples: [
        [1, true],
        [1, false],
      ],
    },
  );
});
