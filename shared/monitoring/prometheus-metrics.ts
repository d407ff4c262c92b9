import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Backlog } from "../bus/bus.ts";
import type { Metrics } from "./metrics.ts";

/** Metrics that can be read as Prometheus text. */
export interface PrometheusMetrics extends Metrics {
  readonly contentType: string;
  /** Reads all levels and returns every series. A level that cannot be read is left out. */
  text(): Promise<string>;
}

/** In seconds. Runs are on time within milliseconds; the upper end shows outages. */
const LATENESS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300];
const DURATION = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200];
const LATENCY = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The metrics of one process, including those of Node.js: event loop, memory, garbage collection. */
export function prometheusMetrics(): PrometheusMetrics {
  const registry = new Registry();
  const readers: Reader[] = [];
  collectDefaultMetrics({ register: registry });
  return {
    ...counted(registry),
    ...levels(registry, readers),
    contentType: registry.contentType,
    async text() {
      await Promise.all(readers.map((read) => read()));
      return registry.metrics();
    },
  };
}

type Counted = Omit<Metrics, `watch${string}`>;

function counted(registry: Registry): Counted {
  const registers = [registry];
  const runs = new Counter({
    name: "kinit_runs_total",
    help: "Runs that ended, by handler and outcome.",
    labelNames: ["handler", "outcome"] as const,
    registers,
  });
  const lateness = new Histogram({
    name: "kinit_run_lateness_seconds",
    help: "From the planned time of a run to the start of its handler.",
    buckets: LATENESS,
    registers,
  });
  const duration = new Histogram({
    name: "kinit_run_duration_seconds",
    help: "From the start of a handler to its outcome.",
    labelNames: ["handler"] as const,
    buckets: DURATION,
    registers,
  });
  const skips = new Counter({
    name: "kinit_occurrences_skipped_total",
    help: "Occurrences that were skipped, by reason.",
    labelNames: ["reason"] as const,
    registers,
  });
  const events = new Counter({
    name: "kinit_events_sent_total",
    help: "Events that this process has sent and the bus has accepted, by type.",
    labelNames: ["type"] as const,
    registers,
  });
  const letters = new Counter({
    name: "kinit_dead_letters_total",
    help: "Events that a group could not handle.",
    labelNames: ["group"] as const,
    registers,
  });
  const transactions = new Histogram({
    name: "kinit_store_transaction_seconds",
    help: "Duration of transactions of the event store, retries included.",
    labelNames: ["service", "outcome"] as const,
    buckets: LATENCY,
    registers,
  });
  const requests = new Histogram({
    name: "kinit_http_request_seconds",
    help: "Duration of HTTP requests, by route and status.",
    labelNames: ["method", "route", "status"] as const,
    buckets: LATENCY,
    registers,
  });
  return {
    runEnded({ handler, outcome, attempt }) {
      runs.inc({ handler, outcome });
      if (!attempt) return;
      lateness.observe(seconds(attempt.startedAt - Date.parse(attempt.plannedAt)));
      duration.observe({ handler }, seconds(Date.parse(attempt.endedAt) - attempt.startedAt));
    },
    occurrencesSkipped: (reason, count) => skips.inc({ reason }, count),
    eventSent: (type) => events.inc({ type }),
    deadLettered: (group) => letters.inc({ group }),
    transactionEnded: (service, outcome, ms) => transactions.observe({ service, outcome }, seconds(ms)),
    requestEnded: ({ method, route, status, ms }) => requests.observe({ method, route, status }, seconds(ms)),
  };
}

type Reader = () => void | Promise<void>;
type Levels = Pick<Metrics, Extract<keyof Metrics, `watch${string}`>>;

/** Levels are read before each scrape, by `readers`. A process exports only those that it watches. */
function levels(registry: Registry, readers: Reader[]): Levels {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []): Gauge<L> =>
    (registry.getSingleMetric(name) as Gauge<L> | undefined) ??
    new Gauge({ name, help, labelNames, registers: [registry] });
  return {
    watchBus(read) {
      const backlog = backlogGauges((name, help) => gauge(name, help, ["group", "pattern"]));
      readers.push(async () => backlog.show(await read().catch(() => [])));
    },
    watchOutbox(service, read) {
      const pending = gauge(
        "kinit_outbox_pending_events",
        "Committed events that the bus has not accepted.",
        ["service"],
      );
      const oldest = gauge("kinit_outbox_oldest_event_seconds", "Age of the oldest of them.", ["service"]);
      readers.push(() => {
        const level = read();
        pending.set({ service }, level.pending);
        oldest.set({ service }, seconds(level.oldestMs));
      });
    },
    watchExecutor(read) {
      const running = gauge("kinit_executor_running_runs", "Runs whose handler runs in this executor.");
      const waiting = gauge(
        "kinit_executor_waiting_runs",
        "Runs in this executor that wait for their planned time or for a slot.",
      );
      const slots = gauge("kinit_executor_slots", "Handlers that this executor runs at the same time.");
      readers.push(() => {
        const level = read();
        running.set(level.running);
        waiting.set(level.waiting);
        slots.set(level.slots);
      });
    },
    watchLeader(read) {
      const leader = gauge("kinit_scheduler_leader", "1 if this scheduler is the leader, else 0.");
      const stuck = gauge(
        "kinit_scheduler_stuck_tasks",
        "Tasks of this leader that only skip, because they wait for a run that no executor has.",
      );
      readers.push(() => {
        const level = read();
        leader.set(level.isLeader ? 1 : 0);
        stuck.set(level.stuckTasks);
      });
    },
  };
}

type BacklogGauge = Gauge<"group" | "pattern">;

/** A group that can no longer be read is left out: an old value would hide an outage. */
function backlogGauges(gauge: (name: string, help: string) => BacklogGauge) {
  const waiting = gauge("kinit_bus_waiting_events", "Events that no member of the group has received.");
  const inFlight = gauge("kinit_bus_in_flight_events", "Events that the group has not acknowledged yet.");
  const oldest = gauge(
    "kinit_bus_oldest_event_seconds",
    "Age of the oldest event that the group has not handled.",
  );
  return {
    show(backlogs: readonly Backlog[]) {
      for (const each of [waiting, inFlight, oldest]) each.reset();
      for (const { group, pattern, ...level } of backlogs) {
        waiting.set({ group, pattern }, level.waiting);
        inFlight.set({ group, pattern }, level.inFlight);
        oldest.set({ group, pattern }, seconds(level.oldestMs));
      }
    },
  };
}

const seconds = (ms: number): number => Math.max(0, ms) / 1000;
