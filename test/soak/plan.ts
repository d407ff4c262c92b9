import { type Random, randomFrom } from "./random.ts";
import { CRON_SECONDS } from "./rhythm.ts";

export type Mode = "one-process" | "nats";

/** A task to be created; `dateInMs` stands for an instant that is only known when the round runs. */
export interface PlannedTask {
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly dateInMs?: number;
  readonly endInMs?: number;
}

export interface PlannedCommand {
  readonly atMs: number;
  readonly kind: "create" | "stop" | "start" | "change" | "run" | "remove";
  /** Of the task that it concerns. */
  readonly key: string;
  /** For `create` and `change`. */
  readonly task?: PlannedTask;
}

export interface PlannedFault {
  readonly atMs: number;
  readonly kind: "kill" | "freeze" | "stop";
  /** Processes that it hits at the same time. */
  readonly names: readonly string[];
  /** How long they are away. */
  readonly forMs: number;
}

export interface Plan {
  readonly tasks: readonly PlannedTask[];
  readonly commands: readonly PlannedCommand[];
  readonly faults: readonly PlannedFault[];
}

export const PROCESSES: Readonly<Record<Mode, readonly string[]>> = {
  "one-process": ["platform"],
  nats: [
    "nats-server",
    "mongo",
    "gateway",
    "scheduler-1",
    "scheduler-2",
    "executor-1",
    "executor-2",
    "records-1",
    "records-2",
    "crawler",
  ],
};

const TASKS = 200;
const COMMAND_EVERY_MS = 150;
/** The first tasks are created before it. */
const FIRST_FAULT_MS = 3000;
const ZONES = ["Asia/Shanghai", "Asia/Kolkata", "America/New_York", "UTC", null];

/** All that a round does, from its seed. */
export function planOf(mode: Mode, seconds: number, seed: number): Plan {
  const random = randomFrom(seed);
  const tasks = Array.from({ length: TASKS }, (_, n) => plannedTask(`t${n}`, seconds, random));
  return { tasks, commands: commandsOf(tasks, seconds, random), faults: faultsOf(mode, seconds, random) };
}

function commandsOf(tasks: readonly PlannedTask[], seconds: number, random: Random): PlannedCommand[] {
  const keys = tasks.map(({ key }) => key);
  const commands: PlannedCommand[] = [];
  for (let atMs = 2000; atMs < seconds * 1000; atMs += random.whole(0, 2 * COMMAND_EVERY_MS)) {
    const kind = random.pick([
      "create",
      "stop",
      "stop",
      "start",
      "start",
      "change",
      "change",
      "run",
      "run",
      "run",
      "remove",
    ] as const);
    const key = kind === "create" ? `t${keys.length}` : random.pick(keys);
    if (kind === "create") keys.push(key);
    const isDefining = kind === "create" || kind === "change";
    commands.push({ atMs, kind, key, ...(isDefining ? { task: plannedTask(key, seconds, random) } : {}) });
  }
  return commands;
}

function plannedTask(key: string, seconds: number, random: Random): PlannedTask {
  const kind = random.pick([
    "interval",
    "interval",
    "interval",
    "cron",
    "cron",
    "cron",
    "date",
    "once",
  ] as const);
  const common = {
    exec_strategy: kind,
    is_active: random.chance(0.95),
    overlap_policy: random.pick(["skip", "skip", "allow"]),
    misfire_policy: random.pick(["fire_once", "fire_once", "skip", "fire_all"]),
    misfire_grace_ms: random.pick([null, null, 0, 300, 5000]),
    timeout_ms: random.chance(0.2) ? random.whole(200, 2500) : null,
    timezone: kind === "cron" ? random.pick(ZONES) : null,
    ...handler(key, random),
  };
  const endInMs = random.chance(0.1) ? random.whole(5000, seconds * 1000) : undefined;
  switch (kind) {
    case "interval":
      return {
        key,
        body: { ...common, expression: `${random.pick([1, 1, 1, 2, 3, 5, 13])} * * * *` },
        ...(endInMs === undefined ? {} : { endInMs }),
      };
    case "cron": {
      const { dialect, expression } = random.pick(CRON_SECONDS);
      return {
        key,
        body: { ...common, cron_dialect: dialect, expression },
        ...(endInMs === undefined ? {} : { endInMs }),
      };
    }
    case "date":
      return { key, body: common, dateInMs: random.whole(-2000, seconds * 1000) };
    case "once":
      return { key, body: common };
  }
}

/** Most call the sink, which takes its time and sometimes fails; a few run the demonstration of two seconds. */
function handler(key: string, random: Random): object {
  if (random.chance(0.1)) return { job_class: "test.main.Test", job_params: { name: "soak", age: 3 } };
  const takesMs = random.pick([0, 0, 0, 50, 400, 1200, 3000]);
  const failing = random.pick([0, 0, 0, 30, 100]);
  return {
    job_class: "http.request",
    job_params: { url: `sink:/${key}?takes=${takesMs}&failing=${failing}` },
  };
}

function faultsOf(mode: Mode, seconds: number, random: Random): PlannedFault[] {
  const faults: PlannedFault[] = [];
  const pause = mode === "nats" ? [300, 4000] : [1500, 9000];
  for (let atMs = FIRST_FAULT_MS; ; ) {
    atMs += random.whole(pause[0] as number, pause[1] as number);
    if (atMs > seconds * 1000) return faults;
    const kind = random.pick(["kill", "kill", "kill", "freeze", "freeze", "stop"] as const);
    const count = random.pick([1, 1, 1, 1, 2, 3]);
    const names = [...new Set(Array.from({ length: count }, () => random.pick(PROCESSES[mode])))];
    const forMs = kind === "freeze" ? random.whole(100, 8000) : random.whole(0, 5000);
    faults.push({ atMs, kind, names, forMs });
  }
}
