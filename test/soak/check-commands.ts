import type { SentCommand } from "./commands.ts";
import type { Statement, TaskHistory } from "./task-history.ts";

/** The gateway's deadline: beyond it a command whose answer was lost must not take effect any more. */
const DEADLINE_MS = 24_000;
const GRACE_MS = 1000;
/** How long after the last fault commands may still fail: until then a scheduler has become active. */
const CALM_LIMIT_MS = 5000;

/** What each kind of command may write to the stream of its task. */
const EVENTS: Readonly<Record<SentCommand["kind"], string>> = {
  create: "task.created",
  change: "task.changed",
  start: "task.resumed",
  stop: "task.paused",
  remove: "task.deleted",
  run: "task.due",
};

/** From this instant on a command has taken effect or never will. */
function endOf({ outcome, sentAt, respondedAt }: SentCommand): number {
  if (outcome !== "unknown") return respondedAt;
  return Math.max(respondedAt, sentAt + DEADLINE_MS) + GRACE_MS;
}

/**
 * What the answers said must be explained by the order of the events: each command took effect once at most, between
 * its sending and its end, and before whatever was sent after its end; what was answered with success took effect,
 * or had nothing to do in one of the states that it can have met; what was refused took no effect.
 */
export function checkCommands(
  sentCommands: readonly SentCommand[],
  histories: readonly TaskHistory[],
): string[] {
  const faults: string[] = [];
  const commands = new Map(sentCommands.map((command) => [command.cause, command]));
  const byTask = Map.groupBy(sentCommands, ({ taskId }) => taskId);
  for (const history of histories) {
    const effects = effectsOf(history, commands, faults);
    const onTask = new Set([...(byTask.get(history.taskId) ?? []), ...effects.keys()]);
    for (const command of onTask) faults.push(...checkOne(command, history, effects));
    faults.push(...checkSequence(history, effects));
  }
  const known = new Set(histories.map(({ taskId }) => taskId));
  for (const command of sentCommands)
    if (command.outcome === "done" && !known.has(command.taskId))
      faults.push(`${worded(command)} left no trace`);
  for (const [name, tasks] of Map.groupBy(histories, ({ name }) => name))
    if (tasks.length > 1) faults.push(`${name} was created ${tasks.length} times`);
  return faults;
}

type Effects = ReadonlyMap<SentCommand, Statement>;

/** Which event each command led to. */
function effectsOf(
  { statements, taskId }: TaskHistory,
  commands: ReadonlyMap<string, SentCommand>,
  faults: string[],
): Effects {
  const effects = new Map<SentCommand, Statement>();
  for (const statement of statements) {
    const { type, version, cause = "", manualRunId } = statement;
    // The schedule's own doing, which may follow at once from a command.
    const isOwn =
      type === "task.skipped" || type === "task.finished" || (type === "task.due" && !manualRunId);
    if (isOwn) continue;
    const command = commands.get(cause);
    const what = `${type} at ${version} of task ${taskId}`;
    if (!command || EVENTS[command.kind] !== type) faults.push(`${what} was caused by no command: ${cause}`);
    else if (effects.has(command)) faults.push(`${what} carries out ${worded(command)} for the second time`);
    else effects.set(command, statement);
  }
  return effects;
}

function checkOne(command: SentCommand, history: TaskHistory, effects: Effects): string[] {
  const { kind, sentAt, outcome, data } = command;
  const effect = effects.get(command);
  const what = worded(command);
  if (effect) {
    const { time, manualRunId } = effect;
    if (time < sentAt || time > endOf(command))
      return [`${what} took effect at ${iso(time)}, after ${iso(endOf(command))} or before it was sent`];
    if (outcome === "refused") return [`${what} took effect all the same`];
    if (kind === "run" && outcome === "done" && manualRunId !== data)
      return [`${what} ordered ${manualRunId}`];
    return [];
  }
  if (outcome !== "done") return [];
  const met = statesMet(command, history, effects);
  const excuse = { stop: ["idle"], start: ["active"], remove: ["deleted"] }[kind as string] ?? [];
  return excuse.some((state) => met.has(state)) ? [] : [`${what} did nothing to a task that was ${[...met]}`];
}

/** The states that a command can have met: from what precedes it for certain to what follows it for certain. */
function statesMet(command: SentCommand, { statements }: TaskHistory, effects: Effects): ReadonlySet<string> {
  const until = endOf(command);
  let first = 0;
  let last = Number.POSITIVE_INFINITY;
  for (const [other, { version }] of effects) {
    if (endOf(other) < command.sentAt) first = Math.max(first, version);
    if (other.sentAt > until) last = Math.min(last, version);
  }
  const met = statements.filter(({ version }) => version >= first && version < last);
  return new Set(met.map(({ after }) => after));
}

/** Whatever ended before another command was sent comes before it. */
function checkSequence({ taskId }: TaskHistory, effects: Effects): string[] {
  const faults: string[] = [];
  for (const [late, { version: lateAt }] of effects)
    for (const [newer, { version: newerAt }] of effects)
      if (endOf(late) < newer.sentAt && lateAt > newerAt)
        faults.push(`on task ${taskId} ${worded(late)} took effect after ${worded(newer)}`);
  return faults;
}

/** When nothing was disturbed any more, commands succeed. */
export function checkResponses(sentCommands: readonly SentCommand[], calmAt: number): string[] {
  return sentCommands
    .filter(({ outcome, respondedAt }) => outcome === "unknown" && respondedAt > calmAt + CALM_LIMIT_MS)
    .map((command) => `${worded(command)} failed although nothing was disturbed since ${iso(calmAt)}`);
}

export function worded({ kind, taskId, code, sentAt, respondedAt }: SentCommand): string {
  return `${kind} of task ${taskId || "(unknown)"}, sent at ${iso(sentAt)}, answered ${code ?? "with nothing"} at ${iso(respondedAt)},`;
}

const iso = (instant: number): string => new Date(instant).toISOString();
