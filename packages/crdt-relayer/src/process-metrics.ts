/**
 * Metrics of the process: what it uses, and how late its event loop is. They are the same for all relays in a process, so
 * there is one set of them, and it is begun when it is first asked for: a relay that nobody asks has no clock ticking.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { collectDefaultMetrics, Gauge, Registry } from "prom-client";

/** Milliseconds between two looks at the event loop. */
const RESOLUTION_MS = 20;

/** By their label: the median, and what matters more, the worst. */
const QUANTILES: readonly (readonly [label: string, percentile: number])[] = [
  ["0.5", 50],
  ["0.99", 99],
  ["1", 100],
];

/**
 * Not among them: to count these, each open connection is looked at, which takes a fifth of a second with ten thousand of
 * them; how many sessions there are is known anyway.
 */
const DEAR = [
  "process_open_fds",
  "nodejs_active_handles",
  "nodejs_active_handles_total",
  "nodejs_active_requests",
  "nodejs_active_requests_total",
  "nodejs_active_resources",
  "nodejs_active_resources_total",
];

let registry: Registry | null = null;

/** The one registry of this process. */
export function processMetrics(): Registry {
  registry ??= begin();
  return registry;
}

function begin(): Registry {
  const made = new Registry();
  collectDefaultMetrics({ register: made, eventLoopMonitoringPrecision: RESOLUTION_MS });
  for (const name of DEAR) made.removeSingleMetric(name);
  const monitor = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  monitor.enable();
  made.registerMetric(
    new Gauge({
      name: "crdt_relayer_event_loop_delay_seconds",
      help: "Seconds by which the event loop of the process was late, since this was last asked for; quantile 1 is the worst.",
      labelNames: ["quantile"],
      registers: [],
      collect() {
        for (const [quantile, percentile] of QUANTILES) {
          // The time between two looks is measured, not only what it is too long.
          const late = monitor.percentile(percentile) / 1e9 - RESOLUTION_MS / 1e3;
          this.set({ quantile }, Math.max(0, late));
        }
        monitor.reset();
      },
    }),
  );
  return made;
}
