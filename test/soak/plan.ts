import type { Mode } from "./mode.ts";
import { type PlannedFault, planFaults } from "./plan-faults.ts";
import { type PlannedTask, planTask } from "./plan-tasks.ts";
import { type Random, randomFrom } from "./random.ts";

export interface PlannedCommand {
  readonly atMs: number;
  readonly kind: "create" | "stop" | "start" | "change" | "run" | "remove";
  /** Of the task that it concerns. */
  readonly key: string;
  /** For `create` and `change`. */
  readonly task?: PlannedTask;
  /** Sent while earlier commands on the same task may be under way; the others wait for their answers. */
  readonly isConcurrent: boolean;
}

export interface Plan {
  readonly tasks: readonly PlannedTask[];
  readonly commands: readonly PlannedCommand[];
  readonly faults: readonly PlannedFault[];
  /** Sent after the last fault, when nothing excuses a refusal any more; counted from then. */
  readonly calm: readonly PlannedCommand[];
}

const TASKS = 200;
const COMMAND_EVERY_MS = 150;
const CALM_COMMANDS = 20;
const CALM_COMMAND_EVERY_MS = 100;
/** Tasks that get several commands while a fault lasts, so that late ones could overtake newer ones. */
const CONTESTED = 5;
const KINDS = [
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
] as const;
const CONTESTS = [
  ["start", "stop"],
  ["start", "stop"],
  ["stop", "start", "stop"],
  ["change", "change", "stop"],
  ["run", "stop", "remove"],
] as const;

/** All that a round does, from its seed. */
export function planOf(mode: Mode, seconds: number, seed: number): Plan {
  const random = randomFrom(seed);
  const tasks = Array.from({ length: TASKS }, (_, n) => planTask(`t${n}`, seconds, random));
  const faults = planFaults(mode, seconds, random);
  const commands = [...planCommands(tasks, seconds, random), ...planContests(tasks, faults, seconds, random)];
  const keys = tasks.map(({ key }) => key);
  const calm = Array.from({ length: CALM_COMMANDS }, (_, n) => ({
    atMs: n * CALM_COMMAND_EVERY_MS,
    kind: random.pick(["start", "start", "run", "stop"] as const),
    key: random.pick(keys),
    isConcurrent: false,
  }));
  return { tasks, commands: commands.sort((a, b) => a.atMs - b.atMs), faults, calm };
}

function planCommands(tasks: readonly PlannedTask[], seconds: number, random: Random): PlannedCommand[] {
  const keys = tasks.map(({ key }) => key);
  const commands: PlannedCommand[] = [];
  for (let atMs = 2000; atMs < seconds * 1000; atMs += random.whole(0, 2 * COMMAND_EVERY_MS)) {
    const kind = random.pick(KINDS);
    const key = kind === "create" ? `t${keys.length}` : random.pick(keys);
    if (kind === "create") keys.push(key);
    const isDefining = kind === "create" || kind === "change";
    const task = isDefining ? { task: planTask(key, seconds, random) } : {};
    commands.push({ atMs, kind, key, isConcurrent: random.chance(0.2), ...task });
  }
  return commands;
}

/** Series of commands on a few tasks that begin when a fault does. */
function planContests(
  tasks: readonly PlannedTask[],
  faults: readonly PlannedFault[],
  seconds: number,
  random: Random,
): PlannedCommand[] {
  return faults.flatMap((fault) =>
    Array.from({ length: random.chance(0.6) ? CONTESTED : 0 }, () => {
      const { key } = random.pick(tasks);
      const atMs = fault.atMs + random.whole(0, 300);
      return random.pick(CONTESTS).map((kind) => ({
        atMs,
        kind,
        key,
        isConcurrent: false,
        ...(kind === "change" ? { task: planTask(key, seconds, random) } : {}),
      }));
    }).flat(),
  );
}
