/** `status`: what there is to know about a node on one screen. */
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { placeOf } from "../fork-evidence.ts";
import { count, paint, print, printable, short } from "../output.ts";
import { ask, type LinkStatus, type Status } from "../requests.ts";
import { withReader } from "./with-node.ts";

/** Options of the command, as typed. */
export interface StatusOptions {
  readonly room?: string;
  readonly json?: boolean;
}

/** Prints the status; relays and peers of a node that is not running are those that it would connect to. */
export function status(name: string, options: StatusOptions): Promise<ExitCode> {
  return withReader(name, options, "status", async ({ call, local }, _home, settings) => {
    const answer = await ask(call, "status", {});
    const offline = (urls: readonly string[]): LinkStatus[] =>
      urls.map((url) => ({ url, state: "offline", reason: null }));
    const status =
      local === null
        ? answer
        : { ...answer, relays: offline(settings.relays), peers: offline(settings.peers) };
    if (options.json === true) print(JSON.stringify(status));
    else for (const line of lines(status)) print(line);
    return EXIT.ok;
  });
}

function lines(status: Status): string[] {
  const { faults, pending, unacknowledged } = status;
  const running = status.running
    ? `running (process ${status.pid}, ${Math.round(status.uptime)} s, ${status.cpu.toFixed(2)} s of CPU)`
    : "not running";
  const linkLine = ({ url, state, reason }: LinkStatus): string => {
    const colour = state === "synced" ? "green" : "yellow";
    return `${paint(colour, state)}  ${printable(url)}${reason === null ? "" : `  (${printable(reason)})`}`;
  };
  const relays = status.relays.map(linkLine);
  const peers = [
    ...status.peers.map(linkLine),
    ...status.guests.map(({ url, state }) => linkLine({ url: `from ${url}`, state, reason: null })),
  ];
  const meetsPeers = peers.length > 0 || status.listening !== null;
  const rejected = Object.entries(faults.rejected).map(([code, times]) => `${code} ${times}×`);
  const forks = faults.forks.map(({ author, chain, seq, own }) => {
    const who = own ? "this node's own key" : short(author);
    return paint("red", `${who} signed two changes ${placeOf({ chain, seq })}`);
  });
  const all = [...rejected, ...forks];
  const allFaults = fields("faults", all, rejected.length + faults.forkCount);
  if (forks.length > 0) allFaults.push(field("", `crdt-node forks ${status.name} shows the proof`));
  return [
    field("node", `${status.name}, ${running}`),
    field("key", status.key || paint("red", "lost: nothing can be signed")),
    field("room", `${printable(status.room)}  (document ${short(status.document)}…)`),
    ...fields("relays", relays),
    ...(status.listening === null ? [] : [field("listens", status.listening)]),
    ...(meetsPeers ? fields("peers", peers) : []),
    field("changes", count(status.changes, "change")),
    ...(unacknowledged === 0 ? [] : [field("unsent", `${unacknowledged} not acknowledged`)]),
    field("view", `${count(status.transactions, "transaction")}, digest ${short(status.digest)}…`),
    ...fields(
      "heads",
      status.heads.map((id) => `${short(id)}…`),
      status.headCount,
    ),
    field(
      "pending",
      pending.changes === 0
        ? "none"
        : `${count(pending.changes, "change")}, ${pending.bytes} bytes`,
    ),
    ...allFaults,
  ];
}

function field(label: string, value: string): string {
  return `${paint("bold", label.padEnd(8))} ${value}`;
}

/** The first of so many values. */
function fields(label: string, values: readonly string[], total = values.length): string[] {
  if (total === 0) return [field(label, "none")];
  const shown = values.slice(0, 8);
  if (total > shown.length) shown.push(`and ${total - shown.length} more`);
  return shown.map((value, i) => field(i === 0 ? label : "", value));
}
