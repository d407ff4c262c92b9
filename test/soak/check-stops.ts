import { worded } from "./check-commands.ts";
import { attemptsOf } from "./check-runs.ts";
import type { SentCommand } from "./commands.ts";
import type { Stored } from "./stored.ts";
import type { Statement, TaskHistory } from "./task-history.ts";

/** A call may be under way for so long when its run's task is stopped. */
const UNDER_WAY_MS = 500;

/**
 * Once a stop or a deletion was answered with success, nothing starts that was ordered before it, whatever its planned
 * time: neither by the runs' own events nor by the calls that reached the sink.
 */
export function checkStops(
  sentCommands: readonly SentCommand[],
  histories: readonly TaskHistory[],
  stored: Stored,
  calledAt: (key: string) => readonly number[],
): string[] {
  const byTask = Map.groupBy(sentCommands, ({ taskId }) => taskId);
  return histories.flatMap((history) => {
    const onTask = byTask.get(history.taskId) ?? [];
    return onTask.filter(isStopped).flatMap((stop) => {
      const statement = standingAfter(stop, history);
      if (!statement) return [];
      const later = startsAfter(stop, statement, history, stored);
      return later.length > 0 ? later : callsAfter(stop, statement, { history, stored, onTask, calledAt });
    });
  });
}

const isStopped = ({ kind, outcome }: SentCommand): boolean =>
  outcome === "done" && (kind === "stop" || kind === "remove");

/** The event that the command led to, or, where there was nothing to do, the one that had stopped the task before. */
function standingAfter(stop: SentCommand, { statements }: TaskHistory): Statement | undefined {
  const own = statements.find(({ cause, type }) => cause === stop.cause && /paused|deleted/.test(type));
  if (own) return own;
  const before = statements
    .filter(({ time, type }) => time < stop.sentAt && !/due|skipped/.test(type))
    .at(-1);
  return before && /paused|deleted/.test(before.type) ? before : undefined;
}

function startsAfter(
  stop: SentCommand,
  statement: Statement,
  { dispatched }: TaskHistory,
  { streams }: Stored,
): string[] {
  return dispatched
    .filter(({ version }) => version < statement.version)
    .flatMap(({ runId, plannedAt }) =>
      attemptsOf(streams.get(`run-${runId}`) ?? [])
        .filter(({ startedAt }) => startedAt > stop.respondedAt)
        .map(
          ({ startedAt, executor }) =>
            `${worded(stop)} did not keep run ${runId}, planned for ${new Date(plannedAt).toISOString()}, from starting ${startedAt - stop.respondedAt} ms later in ${executor}`,
        ),
    );
}

interface Called {
  readonly history: TaskHistory;
  readonly stored: Stored;
  readonly onTask: readonly SentCommand[];
  readonly calledAt: (key: string) => readonly number[];
}

/** Up to the next command that may order something; each call belongs to an attempt that was under way. */
function callsAfter(
  stop: SentCommand,
  { version }: Statement,
  { history, stored, onTask, calledAt }: Called,
): string[] {
  const { respondedAt } = stop;
  const dispatchedLater = history.dispatched.filter((run) => run.version > version);
  const until = Math.min(
    Number.POSITIVE_INFINITY,
    ...dispatchedLater.map(({ at }) => at),
    ...onTask
      .filter(({ kind, sentAt }) => kind !== "stop" && sentAt > stop.sentAt)
      .map(({ sentAt }) => sentAt),
  );
  const attempts = history.dispatched.flatMap(({ runId }) =>
    attemptsOf(stored.streams.get(`run-${runId}`) ?? []),
  );
  return calledAt(history.name.replace(/^soak-/, ""))
    .filter((at) => at > respondedAt + UNDER_WAY_MS && at < until)
    .filter(
      (at) => !attempts.some(({ startedAt, endedAt }) => startedAt <= respondedAt && (endedAt ?? at) >= at),
    )
    .map((at) => `${worded(stop)} did not keep the task from calling the sink ${at - respondedAt} ms later`);
}
