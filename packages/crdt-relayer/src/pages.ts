/** What a relay answers to plain HTTP requests: whether it is well, whether it takes sessions, its limits, its metrics. */
import { readFileSync } from "node:fs";
import { type Metrics, METRICS_TYPE } from "./metrics.ts";
import { PROTOCOL } from "./session.ts";
import { METRICS_SAME_PORT, type Settings } from "./settings.ts";

/** The path of the WebSocket. */
export const WEBSOCKET_PATH = "/websocket";

/** What pages are made of. */
export interface PagesHost {
  readonly settings: Settings;
  readonly metrics: Pick<Metrics, "text">;
  /** What /healthz says; with any other status than ok no upgrade is granted. */
  status(): { readonly status: "ok" | "stopping" | "failed" };
  /** Why no session would be taken now; null when one would. */
  unready(): string | null;
}

/** What is sent. */
export interface Answer {
  /** The HTTP status. */
  readonly code: number;
  readonly body: string;
  /** The media type; JSON when it is left out. */
  readonly type?: string;
}

/** The pages of a relay. */
export class Pages {
  readonly #host: PagesHost;

  constructor(host: PagesHost) {
    this.#host = host;
  }

  /** What is said to a request for a path; `isMain`: where the sessions are, not on a port for metrics only. */
  async answer(path: string, method: string, isMain: boolean): Promise<Answer> {
    if (isMain && path === WEBSOCKET_PATH) return problem(426, "this is a WebSocket");
    const hasMetrics = !isMain || this.#host.settings.metricsPort === METRICS_SAME_PORT;
    const isPage = path === "/healthz" || path === "/readyz" || path === "/info";
    if (!isPage && !(hasMetrics && path === "/metrics"))
      return problem(404, `try ${isMain ? WEBSOCKET_PATH : "/metrics"} or /healthz`);
    if (method !== "GET" && method !== "HEAD") return problem(405, "GET only");
    if (path === "/healthz") {
      const status = this.#host.status();
      return json(status.status === "ok" ? 200 : 503, status);
    }
    if (path === "/readyz") {
      const reason = this.#host.unready();
      return reason === null ? json(200, { ready: true }) : json(503, { ready: false, reason });
    }
    if (path === "/info") return json(200, this.#info());
    return { code: 200, body: await this.#host.metrics.text(), type: METRICS_TYPE };
  }

  /** What a client needs to know before it connects. */
  #info(): object {
    const { settings } = this.#host;
    return {
      name: "crdt-relayer",
      version: version(),
      protocol: PROTOCOL,
      path: WEBSOCKET_PATH,
      authenticate: settings.authenticate,
      limits: {
        frameBytes: settings.maxFrameBytes,
        sessions: settings.maxSessions,
        roomSessions: settings.maxRoomSessions,
        addressSessions: settings.maxAddressSessions,
        sessionRateBytes: settings.sessionRateBytes,
        sessionBurstBytes: settings.sessionBurstBytes,
        rooms: settings.maxRooms,
        joinSeconds: settings.joinSeconds,
        pingSeconds: settings.pingSeconds,
        handshakeSeconds: settings.handshakeSeconds,
        headerBytes: settings.maxHeaderBytes,
        sendBytes: settings.sendHardBytes,
        resendBytes: settings.resendBytes,
      },
    };
  }
}

/** An answer that says what is wrong. */
export function problem(code: number, detail: string): Answer {
  return json(code, { status: "error", detail });
}

function json(code: number, value: object): Answer {
  return { code, body: `${JSON.stringify(value)}\n` };
}

let knownVersion: string | null = null;

/** The version of this package. */
function version(): string {
  knownVersion ??= (
    JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
      readonly version: string;
    }
  ).version;
  return knownVersion;
}
