import type { Bus } from "../../../shared/bus/bus.ts";
import type { ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import { isOf } from "../../../shared/contracts/catalogue.ts";
import type { CancelledRun, RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import { CONFIRM_TIMEOUT_MS, VERDICT_ARRIVAL_MS } from "../../../shared/contracts/start-rules.ts";
import { fold } from "../../../shared/event-store/decider.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { readOnlyCall } from "../../../shared/service.ts";
import { within } from "../../../shared/time-limit.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import { task } from "../task/task.ts";
import { openRunOf, type Task, type TaskRuns, verdictOn } from "../task/task-state.ts";
import { type EndedRuns, NO_RUNS, NOTHING_RECORDED, type RecordedRuns, type TaskRun } from "./ended-runs.ts";
import type { InFlightElsewhere } from "./in-flight-elsewhere.ts";

type RunQuery = ActionParams<"scheduler.confirmRuns">["runs"][number];

/**
 * Verdicts on runs for the executor that requests them, in the order of the runs. Takes about `limitMs` at most, which
 * is how long the executor waits.
 *
 * @throws `STORE_UNAVAILABLE` (retryable)
 */
export type RunVerdicts = (
  runs: readonly RunQuery[],
  executor: string,
  limitMs?: number,
) => Promise<ActionResult<"scheduler.confirmRuns">>;

export interface RunVerdictsDeps {
  readonly bus: Pick<Bus, "hasCaughtUp">;
  readonly store: Pick<EventStore, "readStream">;
  readonly commandHandler: Pick<TaskCommandHandler, "currentRuns">;
  readonly endedRuns: Pick<EndedRuns, "find" | "remove" | "awaitRetries">;
  readonly inFlightElsewhere: InFlightElsewhere;
  /** True if this node may change tasks. */
  readonly isLeader: () => boolean;
  /** True if the bus is outside of this process and stores the end of a run until every group has handled it. */
  readonly isEndKept: boolean;
}

/** What is not found until this long before the limit stays undecided, so that the other verdicts arrive in time. */
const RESPONSE_MARGIN_MS = 300;
/** Limit of the records service where it is called in addition to the bus. The bus alone is sufficient. */
const RECORDS_LIMIT_MS = 700;
/**
 * Limit for runs that their tasks do not track. All verdicts of a call arrive together, and the executor does not use the
 * others if they are older than `VERDICT_ARRIVAL_MS`.
 */
const CLOSED_LIMIT_MS = VERDICT_ARRIVAL_MS / 2;

/**
 * Decides whether executors may still start runs. Any scheduler does, active or not. It reads what is stored at the
 * time of the call, so a pause that was confirmed before always counts.
 */
export function runVerdicts(deps: RunVerdictsDeps): RunVerdicts {
  const { commandHandler, isEndKept } = deps;
  return async (runs, executor, limitMs = CONFIRM_TIMEOUT_MS) => {
    const calledAt = performance.now();
    const leftMs = () => Math.max(0, calledAt + limitMs - RESPONSE_MARGIN_MS - performance.now());
    const repeated = runs.filter(({ mayHaveEnded }) => mayHaveEnded);
    const evidence =
      repeated.length > 0
        ? await within(collectEvidence(deps, { runs: repeated, executor, leftMs }), leftMs(), NONE)
        : NOT_NEEDED;
    // Last, because all of the above takes time, and a task may be paused meanwhile.
    const waitedMs = performance.now() - calledAt;
    const states = await commandHandler.currentRuns(taskIdsOf(runs));
    const verdicts = runs.map((run) => openRunVerdict(run, { evidence, states, isEndKept }));
    const undecided = runs.filter((_, index) => verdicts[index] === null);
    const limit = Math.min(CLOSED_LIMIT_MS, leftMs());
    const others = await within(closedRunVerdicts(deps, undecided, limit), limit, NO_VERDICTS);
    const cancelled = runs.flatMap((run) => cancelledRun(run, states));
    return {
      verdicts: runs.map(({ runId }, index) => verdicts[index] ?? others.get(runId) ?? "unknown"),
      waitedMs,
      ...(cancelled.length > 0 && { cancelled }),
    };
  };
}

/** What executors may have done with runs that were delivered more than once. */
interface Evidence {
  /** Every run-ended event that the bus had before is handled. */
  readonly isCaughtUp: boolean;
  readonly recorded: RecordedRuns;
  readonly inFlightElsewhere: ReadonlySet<string>;
}

const NO_VERDICTS: ReadonlyMap<string, RunVerdict> = new Map();
const NOT_NEEDED: Evidence = {
  isCaughtUp: true,
  recorded: NOTHING_RECORDED,
  inFlightElsewhere: NO_RUNS,
};
const NONE: Evidence = { ...NOT_NEEDED, isCaughtUp: false };

/**
 * The executors are asked first. One that has ended a run in the meantime no longer has it in flight, but its outcome was
 * on the bus before its response, so it counts in what the scheduler has to catch up with. Where the bus keeps ends, the
 * records are read at the same time. Where only the records keep them, they are read once no end is on its way to them.
 */
async function collectEvidence(
  deps: RunVerdictsDeps,
  { runs, executor, leftMs }: { runs: readonly RunQuery[]; executor: string; leftMs: () => number },
): Promise<Evidence> {
  const runIds = runs.map(({ runId }) => runId);
  const inFlight = deps.inFlightElsewhere(runIds, executor);
  const caughtUp = inFlight.then(() => hasCaughtUp(deps, "scheduler", leftMs()));
  const [isCaughtUp, inFlightElsewhere, recorded] = await Promise.all([
    caughtUp,
    inFlight,
    deps.isEndKept
      ? recordedEnds(deps, runs)
      : caughtUp.then((isOver) => (isOver ? recordedEnds(deps, runs) : NOTHING_RECORDED)),
  ]);
  return { isCaughtUp, recorded, inFlightElsewhere };
}

/** True once a group has handled the run-ended events that the bus had before; false if that takes too long. */
function hasCaughtUp({ bus }: RunVerdictsDeps, group: string, limitMs: number): Promise<boolean> {
  return bus.hasCaughtUp(group, "run.*", limitMs);
}

/**
 * Ends that are recorded and that no scheduler has stored yet: a process may die between the two. If the records are in
 * this process, only they keep ends, so a failure to read them is an error.
 */
async function recordedEnds(
  { commandHandler, endedRuns, isLeader, isEndKept }: RunVerdictsDeps,
  runs: readonly RunQuery[],
): Promise<RecordedRuns> {
  const states = await commandHandler.currentRuns(taskIdsOf(runs));
  const open = runs.flatMap((run) => trackedRun(run, states));
  const recorded = await (isEndKept
    ? endedRuns.find(open, { timeout: RECORDS_LIMIT_MS }).catch(() => NOTHING_RECORDED)
    : endedRuns.find(open, readOnlyCall));
  // Also before this node is active: run verdicts are requested for the runs that it adopts.
  if (isLeader()) {
    await endedRuns.awaitRetries(open, recorded.retrying);
    await endedRuns.remove(open.filter(({ run }) => recorded.ended.has(run.runId)));
  }
  return recorded;
}

interface Known {
  readonly evidence: Evidence;
  readonly states: ReadonlyMap<string, TaskRuns>;
  readonly isEndKept: boolean;
}

/** Null if the task does not track the run, so that its stream has to be read. */
function openRunVerdict(
  { taskId, runId, attempt, mayHaveEnded }: RunQuery,
  { evidence: { isCaughtUp, recorded, inFlightElsewhere }, states, isEndKept }: Known,
): RunVerdict | null {
  if (recorded.ended.has(runId)) return "ended";
  const retrying = recorded.retrying.find((run) => run.runId === runId);
  if (retrying && attempt !== undefined && retrying.attempt >= attempt) return "ended";
  if (mayHaveEnded && (!isCaughtUp || inFlightElsewhere.has(runId))) return "unknown";
  const state = states.get(taskId);
  if (state && openRunOf(state, runId)) return verdictOn(state, runId, attempt);
  return isEndKept && state && state.status !== "none" ? "ended" : null;
}

/**
 * Verdicts on runs that their tasks do not track: they have ended, or the task was deleted. The task's stream says
 * whether a run was dispatched or revoked, the records whether it has ended. One call for all, because time is short.
 */
async function closedRunVerdicts(
  deps: RunVerdictsDeps,
  runs: readonly RunQuery[],
  limitMs: number,
): Promise<ReadonlyMap<string, RunVerdict>> {
  if (runs.length === 0) return NO_VERDICTS;
  const folded = taskIdsOf(runs).map(async (taskId) => {
    const stream = await deps.store.readStream(`task-${taskId}`);
    const events = stream.filter((event) => isOf("task.*", event));
    return [taskId, fold(task, events)] as const;
  });
  const dispatched = new Map(await Promise.all(folded));
  if (!(await hasCaughtUp(deps, "records", limitMs))) return NO_VERDICTS;
  const tracked = runs.flatMap((run) => trackedRun(run, dispatched));
  const { ended } = await deps.endedRuns.find(tracked, readOnlyCall);
  return new Map(
    runs.map(({ taskId, runId, attempt }) => {
      const state = dispatched.get(taskId) as Task;
      return [runId, ended.has(runId) ? "ended" : verdictOn(state, runId, attempt)] as const;
    }),
  );
}

function cancelledRun({ taskId, runId }: RunQuery, states: ReadonlyMap<string, TaskRuns>): CancelledRun[] {
  const state = states.get(taskId);
  const cancellation = state && openRunOf(state, runId)?.cancellation;
  return cancellation ? [{ runId, cancellation }] : [];
}

const taskIdsOf = (runs: readonly RunQuery[]) => [...new Set(runs.map(({ taskId }) => taskId))];

function trackedRun({ taskId, runId }: RunQuery, states: ReadonlyMap<string, TaskRuns>): TaskRun[] {
  const state = states.get(taskId);
  const run = state && openRunOf(state, runId);
  return run ? [{ taskId, run }] : [];
}
