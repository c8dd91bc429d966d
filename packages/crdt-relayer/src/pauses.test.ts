import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { stoppedClock } from "../test/stopped-clock.ts";
import { Pauses, Work } from "./pauses.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a pause of the process", () => {
  it("counts hardly for somebody whose work is short otherwise, and work that is always long counts wholly", () => {
    const clock = stoppedClock();
    const pauses = new Pauses();
    const honest = new Work(pauses);
    for (let i = 0; i < 100; i++) expect(honest.counted(0.3)).toBe(0.3);
    expect(honest.counted(80)).toBeLessThan(3);
    clock.add(10_000);
    const costly = new Work(pauses);
    let counted = 0;
    for (let i = 0; i < 100; i++) {
      clock.add(1_000);
      counted += costly.counted(30);
    }
    expect(counted).toBeGreaterThan(0.97 * 100 * 30);
  });

  it("is never more than a tenth of the time and half a second, whatever is done by how many", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.nat({ max: 4 }),
            fc.double({ min: 0, max: 300, noNaN: true }),
            fc.nat({ max: 200 }),
          ),
        ),
        (done) => {
          vi.restoreAllMocks();
          const clock = stoppedClock();
          const pauses = new Pauses();
          const works = Array.from({ length: 5 }, () => new Work(pauses));
          let passed = 0;
          let forgiven = 0;
          for (const [who, ms, idle] of done) {
            clock.add(ms + idle);
            passed += ms + idle;
            const counted = works[who]!.counted(ms);
            expect(counted).toBeLessThanOrEqual(ms);
            expect(counted).toBeGreaterThanOrEqual(Math.min(ms, 1) - 1e-9);
            forgiven += ms - counted;
          }
          expect(forgiven).toBeLessThanOrEqual(500 + passed / 10 + 1e-6);
        },
      ),
    );
  });
});
