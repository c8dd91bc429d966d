/** Code that only a search which is guided by what it reaches gets through: each step alone is likely, all are not. */
import { Violation } from "./target.ts";
import type { Target } from "./target.ts";
import { asArray, asText } from "./tree.ts";

const DOORS = ["open", "sesame"] as const;

/** A target that fails for one array of two words, in this order and no other. */
export const MAZE: Target = {
  name: "maze",
  about: "doors behind doors",
  words: DOORS,
  fresh: (choices) => Array.from({ length: 2 }, () => choices.below(10)),
  run: (input) => {
    const [a, b] = asArray(input);
    if (asText(a) !== DOORS[0]) return;
    if (asText(b) !== DOORS[1]) return;
    throw new Violation("the treasure is found");
  },
};
