/** What dishonest relays do with what passes through their hands. */
import { decodeGroup, encodeGroup } from "../../../src/change/index.ts";
import type { SignedBody } from "../../../src/change/index.ts";
import { toHex } from "../../../src/encoding/index.ts";
import { encodeMessage } from "../../../src/sync/index.ts";
import { flipped } from "../../forge.ts";
import type { Tamper, Tampering } from "../dishonest-relay.ts";
import type { Frame } from "../network.ts";
import { isBy } from "./craft.ts";

/** Never lets the changes of one author in. */
export const hideAuthor: Tampering = ({ random, authors }) => {
  const hidden = random.pick(authors);
  return { admits: (group) => !holdsAuthor(group, hidden) };
};

/** Leaves one author's changes out of what it sends to some of its peers. */
export const censor: Tampering = ({ random, authors, peers }) => {
  const hidden = random.pick(authors);
  const blinded = new Set(peers.filter(() => random.oneIn(2)));
  return {
    send(frame, to, send) {
      if (typeof frame === "string" || !blinded.has(to)) {
        send(frame);
        return;
      }
      const entries = decodeGroup(frame);
      const rest = entries.ok ? entries.value.filter(({ body }) => !isBy(body, hidden)) : [];
      if (rest.length > 0) send(encodeGroup(rest));
    },
  };
};

/** Has two histories and shows each peer one of them. */
export const twoFaces: Tampering = ({ random }) => ({
  face: (peer) => random.split(peer).below(2),
});

/** Lets groups wait, so that later ones overtake them. */
export const reorder: Tampering = ({ random, later }) => ({
  send(frame, _to, send) {
    if (typeof frame === "string" || random.oneIn(2)) send(frame);
    else later(random.between(50, 1_500), () => send(frame));
  },
});

/** Sends old groups again. */
export const repeat: Tampering = ({ random }) => {
  const old: Uint8Array[] = [];
  return {
    send(frame, _to, send) {
      send(frame);
      if (typeof frame === "string") return;
      old.push(frame);
      if (random.oneIn(3)) send(random.pick(old));
    },
  };
};

/** Flips a bit of some signatures on their way to some peers. */
export const breakSignatures: Tampering = ({ random, peers }) => {
  const unlucky = new Set(peers.filter(() => random.oneIn(2)));
  return {
    send(frame, to, send) {
      const entries = typeof frame === "string" || !unlucky.has(to) ? null : decodeGroup(frame);
      if (entries?.ok !== true || random.oneIn(3)) {
        send(frame);
        return;
      }
      const broken = entries.value.map(({ body, signature }) => ({
        body,
        signature: signature === null ? null : flipped(signature, random.below(512)),
      }));
      send(encodeGroup(broken));
    },
  };
};

/** Takes signatures away. */
export const stripSignatures: Tampering = ({ random }) => ({
  send(frame, _to, send) {
    const entries = typeof frame === "string" || random.oneIn(2) ? null : decodeGroup(frame);
    if (entries?.ok !== true) send(frame);
    else send(encodeGroup(entries.value.map(({ body }) => ({ body, signature: null }))));
  },
});

/** Gathers changes and sends them in groups of its own making, many of them without their signatures. */
export const regroup: Tampering = ({ random, later }) => {
  const gathered = new Map<string, SignedBody[]>();
  return {
    send(frame, to, send) {
      const entries = typeof frame === "string" ? null : decodeGroup(frame);
      if (entries?.ok !== true) {
        send(frame);
        return;
      }
      const pool = gathered.get(to) ?? [];
      gathered.set(to, pool);
      pool.push(...entries.value);
      later(random.below(800), () => {
        const from = random.below(pool.length + 1);
        const group = pool.slice(from, from + 30).map(({ body, signature }) => ({
          body,
          signature: random.oneIn(2) ? null : signature,
        }));
        if (group.length > 0) send(encodeGroup(group));
      });
    },
  };
};

/** Swallows frames, control messages among them. */
export const swallow: Tampering = ({ random }) => ({
  send(frame, _to, send) {
    if (!random.oneIn(4)) send(frame);
  },
});

/** Acknowledges what it has not stored, and says that it has what nobody has. */
export const boast: Tampering = ({ random }) => ({
  send(frame, _to, send) {
    send(frame);
    if (!random.oneIn(5)) return;
    const invented = [random.bytes(32), random.bytes(32)];
    send(
      encodeMessage(
        random.pick([
          { type: "ack", ids: invented } as const,
          { type: "have", frontier: { heads: invented }, again: random.oneIn(2) } as const,
          { type: "done", frontier: { heads: invented } } as const,
          { type: "done", frontier: { digest: invented[0]! } } as const,
        ]),
      ),
    );
  },
});

/** Changes a digit in the control messages that it sends. */
export const misquote: Tampering = ({ random }) => ({
  send(frame, _to, send) {
    send(
      typeof frame === "string" && random.oneIn(4)
        ? withDigitChanged(frame, random.below(frame.length))
        : frame,
    );
  },
});

/** Says the contents of its groups under another order of changes. */
export const shuffleGroups: Tampering = ({ random }) => ({
  send(frame, _to, send) {
    const entries = typeof frame === "string" ? null : decodeGroup(frame);
    send(entries?.ok === true ? encodeGroup(random.shuffle(entries.value)) : frame);
  },
});

/** Speaks to nobody for a while, then all at once. */
export const stall: Tampering = ({ random, later }): Tamper => {
  let held: { frame: Frame; send: (frame: Frame) => void }[] = [];
  return {
    send(frame, _to, send) {
      held.push({ frame, send });
      if (held.length > 1) return;
      later(random.between(500, 3_000), () => {
        const released = held;
        held = [];
        for (const one of released) one.send(one.frame);
      });
    },
  };
};

function withDigitChanged(text: string, at: number): string {
  const digit = /[0-9a-f]/u.test(text[at]!) ? toHex(Uint8Array.of(at & 15))[1]! : text[at]!;
  return text.slice(0, at) + digit + text.slice(at + 1);
}

function holdsAuthor(group: Uint8Array, author: Uint8Array): boolean {
  const entries = decodeGroup(group);
  return entries.ok && entries.value.some(({ body }) => isBy(body, author));
}
