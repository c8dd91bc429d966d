/** `crdt-relayer doctor`: what the examination of a store found, for people or as JSON, and what to do about it. */
import { styleText } from "node:util";
import { examineStore, type RoomReport, type StoreReport } from "./doctor.ts";
import { EXIT, type ExitCode, RelayError } from "./exit-codes.ts";
import { counted } from "./room.ts";
import { IN_MEMORY } from "./settings.ts";
import { quoted, repairCommand, storeFolder } from "./store.ts";

/** Options of the command, as typed. */
export interface DoctorFlags {
  readonly repair?: boolean;
  readonly json?: boolean;
}

/** Milliseconds between two lines of progress. */
const PROGRESS_MS = 100;

/** Examines the store and prints what it found; throws RelayError when something is damaged and was not repaired. */
export async function runDoctor(data: string, flags: DoctorFlags): Promise<ExitCode> {
  if (data === IN_MEMORY) {
    throw new RelayError(EXIT.usage, {
      what: `${IN_MEMORY} keeps nothing that could be examined`,
      next: "crdt-relayer doctor --data DIR",
    });
  }
  const progress = new Progress(process.stderr);
  let report: StoreReport;
  try {
    report = await examineStore(data, {
      repair: flags.repair === true,
      onProgress: (at) => {
        progress.show(at);
      },
    });
  } catch (error) {
    throw inUse(error, data);
  } finally {
    progress.clear();
  }
  process.stdout.write(
    flags.json === true ? `${JSON.stringify(report)}\n` : describe(data, report),
  );
  if (report.isSound) return EXIT.ok;
  const damaged = report.rooms.filter(({ faultCount }) => faultCount > 0).length;
  throw new RelayError(EXIT.damaged, {
    what:
      report.rooms.length > 0
        ? `${counted(damaged, "room")} of ${report.rooms.length} cannot be trusted`
        : `the store in ${storeFolder(data)} is damaged`,
    why: "the bytes on the disk are not what was written; nodes still have what they sent",
    next: repairCommand(data),
  });
}

function inUse(error: unknown, data: string): unknown {
  if (!(error instanceof RelayError) || error.exitCode !== EXIT.refused) return error;
  return new RelayError(EXIT.refused, {
    what: `a relayer is using ${data}`,
    why: "a store that is being written cannot be examined",
    next: `stop that relayer, then: crdt-relayer doctor --data ${quoted(data)}`,
  });
}

/** The report for people. */
function describe(
  data: string,
  { rooms, faults, copy, quarantined, isSound }: StoreReport,
): string {
  const lines = [`store ${storeFolder(data)}`];
  for (const fault of faults) lines.push(`  ${fault}`);
  if (copy !== null) lines.push(`  its files as they were are in ${copy}`);
  for (const room of rooms) lines.push(...describeRoom(room));
  if (quarantined.records > 0) {
    lines.push(
      `  quarantine: ${counted(quarantined.records, "record")}, ${sized(quarantined.bytes)}; kept, and read by nothing`,
    );
  }
  if (isSound) lines.push(conclusion(rooms, copy));
  return `${lines.join("\n")}\n`;
}

function describeRoom(room: RoomReport): string[] {
  const { document, changes, authors, forks, bytes, faults, faultCount, records, moved } = room;
  const contents = `${counted(changes, "change")} by ${counted(authors, "author")}, ${counted(forks, "fork")}, ${sized(bytes)}`;
  if (faultCount === 0) return [`  room ${document}`, `    sound: ${contents}`];
  const lines = [
    `  room ${document}`,
    `    DAMAGED: ${counted(faultCount, "fault")} in ${counted(records, "record")}; can be read: ${contents}`,
    ...faults.map(({ detail }) => `    ${detail}`),
  ];
  if (faultCount > faults.length) lines.push(`    and ${faultCount - faults.length} more`);
  if (moved !== null) {
    lines.push(
      `    repaired: ${counted(room.intact, "record")} kept, ${counted(moved.records, "record")} moved to the quarantine`,
    );
  }
  return lines;
}

function conclusion(rooms: readonly RoomReport[], copy: string | null): string {
  const repaired = rooms.filter(({ moved }) => moved !== null).length;
  if (repaired === 0 && copy === null)
    return `${counted(rooms.length, "room")}, all sound: every hash, link and signature is right`;
  return "repaired; start the relay: nodes that have what is missing bring it back when they connect";
}

/** `17 B`, `1.2 kB`, `3.4 MB`: thousands, as disks are sold. */
function sized(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_000 && unit < units.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** One line on a terminal that is written over again and again; nothing elsewhere. */
class Progress {
  readonly #stream: NodeJS.WriteStream;
  #next = 0;
  #isShown = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  show({ room, changes, bytes }: { room: number; changes: number; bytes: number }): void {
    const now = performance.now();
    if (!this.#stream.isTTY || now < this.#next) return;
    this.#next = now + PROGRESS_MS;
    this.#isShown = true;
    const text = `room ${room}: ${counted(changes, "change")}, ${sized(bytes)}`;
    this.#stream.write(`\r\u{1b}[K${styleText("dim", text, { stream: this.#stream })}`);
  }

  clear(): void {
    if (this.#isShown) this.#stream.write("\r\u{1b}[K");
  }
}
