import type { Mode } from "./mode.ts";
import type { Random } from "./random.ts";

/** What befalls a process. `freeze` suspends it; `stop` ends it in order. */
const PROCESS_FAULTS = ["kill", "kill", "kill", "freeze", "freeze", "freeze", "stop"] as const;
/**
 * What befalls its connections. `stall`: nothing passes for a while, then everything does. `reset`: nothing passes,
 * then they break. `silence`: the answer to one commit is lost and its connection with it, without a word.
 */
const LINK_FAULTS = ["stall", "stall", "reset", "silence"] as const;

export interface PlannedFault {
  readonly atMs: number;
  readonly kind: (typeof PROCESS_FAULTS)[number] | (typeof LINK_FAULTS)[number];
  /** Processes, or connections of a process, that it hits at the same time. */
  readonly names: readonly string[];
  /** How long they are away; for `silence`, how long a commit to be silenced is waited for. */
  readonly forMs: number;
}

/** What can be hit, each as often as it stands here. */
const PROCESSES: Readonly<Record<Mode, readonly string[]>> = {
  "one-process": ["platform"],
  nats: [
    "nats-server",
    "mongo",
    "gateway",
    "scheduler-1",
    "scheduler-2",
    "scheduler-1",
    "scheduler-2",
    "executor-1",
    "executor-2",
    "records-1",
    "records-2",
    "crawler",
  ],
};
/** Commits are made by these. */
const WRITERS = ["scheduler-1", "scheduler-2", "records-1", "records-2"];
/** Whose connections lead through a proxy, and to what. */
export const LINKS = [
  ...WRITERS.map((name) => `${name}/mongo`),
  ...[...WRITERS, "executor-1", "executor-2", "gateway"].map((name) => `${name}/nats`),
];

/** The first tasks are created before it. */
const FIRST_FAULT_MS = 3000;
/** A connection that is silent is given up well within it, so that it disturbs nothing after the last fault. */
const SILENT_MS = 22_000;

export function planFaults(mode: Mode, seconds: number, random: Random): PlannedFault[] {
  const faults: PlannedFault[] = [];
  const [least, most] = mode === "nats" ? ([300, 4000] as const) : ([1500, 9000] as const);
  for (let atMs = FIRST_FAULT_MS; ; ) {
    atMs += random.whole(least, most);
    if (atMs > seconds * 1000) return faults;
    const isOnLinks = mode === "nats" && random.chance(0.35);
    const mayBeSilent = atMs < seconds * 1000 - SILENT_MS;
    faults.push({ atMs, ...(isOnLinks ? onLinks(mayBeSilent, random) : onProcesses(mode, random)) });
  }
}

function onProcesses(mode: Mode, random: Random): Omit<PlannedFault, "atMs"> {
  const kind = random.pick(PROCESS_FAULTS);
  const count = random.pick([1, 1, 1, 1, 2, 3]);
  const forMs = kind === "freeze" ? random.whole(100, 8000) : random.whole(0, 5000);
  return { kind, names: some(PROCESSES[mode], count, random), forMs };
}

function onLinks(mayBeSilent: boolean, random: Random): Omit<PlannedFault, "atMs"> {
  const kind = random.pick(LINK_FAULTS);
  const forMs = random.whole(500, 8000);
  if (kind !== "silence") return { kind, names: some(LINKS, random.pick([1, 1, 2]), random), forMs };
  const name = `${random.pick(WRITERS)}/mongo`;
  return { kind: mayBeSilent ? kind : "stall", names: [name], forMs };
}

function some(from: readonly string[], count: number, random: Random): string[] {
  return [...new Set(Array.from({ length: count }, () => random.pick(from)))];
}
