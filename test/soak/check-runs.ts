import type { Stored, StoredEvent, StoredRecord } from "./stored.ts";
import type { DispatchedRun, Skipped, TaskHistory } from "./task-history.ts";

interface Attempt {
  readonly executor: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly outcome: string | null;
}

const OUTCOMES = new Set(["succeeded", "failed", "timed_out", "cancelled"]);

/** Each order and each skip has its one record, which says what the events say; nothing else has one. */
export function checkRecords(histories: readonly TaskHistory[], stored: Stored): string[] {
  const faults: string[] = [];
  const expected = new Set<string>();
  const expect = (id: string) => {
    if (expected.has(id)) faults.push(`${id} was ordered or skipped twice`);
    expected.add(id);
    const record = stored.records.get(id);
    if (!record) faults.push(`${id} has no record`);
    return record;
  };
  for (const { dispatched, skipped } of histories) {
    for (const run of dispatched) {
      const record = expect(run.runId);
      if (record) faults.push(...checkRun(run, record, stored.streams.get(`run-${run.runId}`) ?? []));
    }
    for (const skip of skipped) {
      const record = expect(skip.skipId);
      if (record) faults.push(...checkSkip(skip, record));
    }
  }
  for (const [id, { task_id }] of stored.records)
    if (!expected.has(id)) faults.push(`record ${id} of task ${task_id} belongs to nothing that was planned`);
  return faults;
}

function checkSkip(skip: Skipped, record: StoredRecord): string[] {
  const found = JSON.stringify([
    "skipped",
    skip.taskId,
    skip.plannedAt,
    skip.reason,
    skip.count,
    skip.lastPlannedAt,
  ]);
  const shown = JSON.stringify([
    record.status,
    record.task_id,
    record.start_datetime.getTime(),
    record.skip?.reason,
    record.skip?.count,
    record.skip?.last_planned_datetime.getTime(),
  ]);
  return found === shown ? [] : [`skip ${skip.skipId} is ${found}, its record ${shown}`];
}

function checkRun(run: DispatchedRun, record: StoredRecord, stream: readonly StoredEvent[]): string[] {
  const faults: string[] = [];
  const fault = (what: string) => faults.push(`run ${run.runId} of task ${run.taskId} ${what}`);
  const ends = stream.filter(({ type }) => isEnd(type));
  const first = ends[0]?.type.slice("run.".length);
  if (first === undefined) fault(`has no outcome; its record is ${record.status}`);
  else if (!OUTCOMES.has(first)) fault(`is ${first}`);
  else if (record.status !== first) fault(`is ${first} by its events, ${record.status} by its record`);
  if (record.start_datetime.getTime() !== run.plannedAt || record.task_id !== run.taskId)
    fault("has a record of another plan");
  if (record.version !== stream.length)
    fault(`has ${stream.length} events, its record says ${record.version}`);
  const contradictions = ends.slice(1).filter((end) => !(first === "cancelled" && neverBegan(end))).length;
  if ((record.contradictions ?? 0) !== contradictions)
    fault(
      `has ${contradictions} contradictory outcomes, its record counts ${record.contradictions ?? 0} of them`,
    );
  const attempts = attemptsOf(stream);
  const shown = (record.attempts ?? []).map((attempt) => ({
    executor: attempt.executor,
    startedAt: attempt.started_datetime.getTime(),
    endedAt: attempt.ended_datetime?.getTime() ?? null,
    outcome: attempt.outcome ?? null,
  }));
  if (JSON.stringify(attempts) !== JSON.stringify(shown))
    fault(`had the attempts ${JSON.stringify(attempts)}, its record shows ${JSON.stringify(shown)}`);
  for (const { startedAt } of attempts)
    if (startedAt < run.plannedAt) fault(`began ${run.plannedAt - startedAt} ms before its time`);
  if (first === "cancelled" && run.revokedAt === null)
    fault("is cancelled although its task was neither paused nor deleted");
  return faults;
}

const isEnd = (type: string): boolean => /^run\.(succeeded|failed|timed_out|cancelled|lost)$/.test(type);

/** Cancelled before it began. Two executors that have received a run may both say so, which is no contradiction. */
const neverBegan = ({ type, data }: StoredEvent): boolean =>
  type === "run.cancelled" && (data.reason === "revoked" || data.hasStarted === false);

/** What was executed, by the run's own events: one attempt for each start by an executor, in their order. */
export function attemptsOf(stream: readonly StoredEvent[]): readonly Attempt[] {
  const attempts = new Map<string, Attempt>();
  for (const event of stream) {
    const { type, data } = event;
    const isStart = type === "run.started";
    if (type === "run.lost" || neverBegan(event) || (!isStart && !isEnd(type))) continue;
    const key = `${data.executor} ${data.startedAt}`;
    const known = attempts.get(key);
    if (isStart && known) continue;
    attempts.set(key, {
      executor: data.executor,
      startedAt: Date.parse(data.startedAt),
      endedAt: isStart ? null : Date.parse(data.endedAt),
      outcome: isStart ? null : type.slice("run.".length),
    });
  }
  return [...attempts.values()].sort((a, b) => a.startedAt - b.startedAt);
}

/**
 * A task that must not overlap begins no run while an earlier one goes on. What may have been executed more than once is
 * left out: its first executor was cut off, and may still be at it when the second one has ended it. In one process
 * that is also a run that was ordered by one life and executed by another, of whose first attempt nothing is known.
 */
export function checkOverlaps(
  { dispatched, taskId }: TaskHistory,
  { streams }: Stored,
  isOneProcess: boolean,
): string[] {
  const faults: string[] = [];
  let busyUntil = Number.NEGATIVE_INFINITY;
  let busyWith = "";
  for (const { runId, mayOverlap, writer } of dispatched) {
    const attempts = attemptsOf(streams.get(`run-${runId}`) ?? []);
    const [only] = attempts;
    if (attempts.length !== 1 || !only || (isOneProcess && !isSameLife(writer, only.executor))) continue;
    if (!mayOverlap && only.startedAt < busyUntil)
      faults.push(
        `run ${runId} of task ${taskId} began ${busyUntil - only.startedAt} ms before the end of ${busyWith}`,
      );
    if ((only.endedAt ?? 0) <= busyUntil) continue;
    busyUntil = only.endedAt ?? busyUntil;
    busyWith = runId;
  }
  return faults;
}

/** An executor is named after the process it is part of, whose mark ends the name and begins the writer's. */
function isSameLife(writer: string, executor: string): boolean {
  return writer.startsWith(`scheduler-${executor.slice(-4)}`);
}

/**
 * A task that was active while nothing was disturbed has run then, or something holds it up for good.
 * @param calmAt from when on nothing was disturbed
 * @param endedAt when all tasks were stopped
 */
export function checkProgress(
  { dispatched, skipped, taskId, name, statements }: TaskHistory,
  { streams }: Stored,
  { calmAt, endedAt }: { calmAt: number; endedAt: number },
): string[] {
  const from = calmAt + CATCH_UP_MS;
  const isTouched = statements.some(
    ({ type, time }) => /created|changed|resumed/.test(type) && time > calmAt && time < endedAt,
  );
  if (isTouched) return [];
  const isWithin = ({ plannedAt }: { plannedAt: number }) => plannedAt > from && plannedAt < endedAt;
  // One that is dispatched ahead must not begin if its task is stopped before its time.
  const isDue = ({ isManual, revokedAt, plannedAt }: DispatchedRun) =>
    !isManual && (revokedAt === null || revokedAt > plannedAt);
  const planned = [...dispatched.filter(isDue), ...skipped].filter(isWithin);
  if (planned.length < 2) return [];
  const hasRun = dispatched
    .flatMap(({ runId }) => attemptsOf(streams.get(`run-${runId}`) ?? []))
    .some(({ startedAt, endedAt: until }) => startedAt > from || (until ?? 0) > from);
  // An executor that gave a run up at the end held it until then, behind others.
  const isQueued = dispatched.some(
    ({ runId, at }) =>
      at > endedAt - QUEUED_MS &&
      (streams.get(`run-${runId}`) ?? []).some(
        ({ type, time }) => type === "run.cancelled" && time.getTime() >= endedAt,
      ),
  );
  return hasRun || isQueued ? [] : [`task ${taskId} (${name}) did not run again after the faults`];
}

/** While nothing was disturbed, an occurrence is skipped for an overlap only where a run went on. */
export function checkExcuses(
  { dispatched, skipped, taskId }: TaskHistory,
  { streams }: Stored,
  { calmAt, endedAt }: { calmAt: number; endedAt: number },
): string[] {
  const faults: string[] = [];
  const spans = dispatched.map(({ runId, at }) => {
    const ends = (streams.get(`run-${runId}`) ?? []).filter(({ type }) => isEnd(type));
    return { from: at, to: Math.max(at, ...ends.map(({ time }) => time.getTime())) };
  });
  for (const skip of skipped) {
    if (skip.reason !== "overlap" || skip.at < calmAt + CATCH_UP_MS || skip.at > endedAt) continue;
    const isExcused = spans.some(({ from, to }) => from <= skip.at && to >= skip.at - NOTING_MS);
    if (!isExcused) faults.push(`task ${taskId} skipped ${skip.skipId} for an overlap with no run`);
  }
  return faults;
}

/** A run that waits for longer in an executor while nothing is disturbed is held up by something else. */
const QUEUED_MS = 30_000;
/** What was held up by the faults is worked off by then. */
const CATCH_UP_MS = 4000;
/**
 * How long a scheduler may take to note an end. Nothing is promised; on a busy machine each transaction on the way takes
 * a second. An end that is missed for good is looked for after ten.
 */
const NOTING_MS = 5000;
