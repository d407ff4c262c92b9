import type { Bus } from "../../../shared/bus/bus.ts";
import type { ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import { isOf } from "../../../shared/contracts/catalogue.ts";
import type { RunVerdict } from "../../../shared/contracts/scheduler-actions.ts";
import { CONFIRM_TIMEOUT_MS } from "../../../shared/contracts/start-rules.ts";
import { fold } from "../../../shared/event-store/decider.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { readOnlyCall } from "../../../shared/service.ts";
import { within } from "../../../shared/time-limit.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import { task } from "../task/task.ts";
import { runOf, type Task, type TaskRuns, verdictOn } from "../task/task-state.ts";
import type { EndedRuns, TrackedRun } from "./ended-runs.ts";
import type { HeldElsewhere } from "./executor-holdings.ts";

type Question = ActionParams<"scheduler.confirmRuns">["runs"][number];

/**
 * Verdicts on runs for the executor that asks, in the order asked, within about `limitMs`, as long as it waits. Error:
 * `STORE_UNAVAILABLE` (retryable).
 */
export type RunVerdicts = (
  runs: readonly Question[],
  asker: string,
  limitMs?: number,
) => Promise<ActionResult<"scheduler.confirmRuns">>;

export interface RunVerdictsDeps {
  readonly bus: Pick<Bus, "hasCaughtUp">;
  readonly store: Pick<EventStore, "readStream">;
  readonly commandHandler: Pick<TaskCommandHandler, "currentRuns">;
  readonly endedRuns: Pick<EndedRuns, "find" | "remove">;
  readonly heldElsewhere: HeldElsewhere;
  /** True where this node may change tasks. */
  readonly isLeader: () => boolean;
  /** True where the bus is outside of this process and keeps the end of a run until every group has handled it. */
  readonly isEndKept: boolean;
}

/** What is not found until so long before the limit is left undecided, so that the other verdicts arrive in time. */
const ANSWERING_MS = 300;
/** For records that are asked beside the bus, which alone is proof enough. */
const RECORDS_LIMIT_MS = 700;

/**
 * Tells executors whether runs may still be started. Any scheduler answers, active or not, from what is stored at the
 * time of the question: a stop that was answered before is always seen.
 */
export function runVerdicts(deps: RunVerdictsDeps): RunVerdicts {
  const { bus, store, commandHandler, endedRuns, heldElsewhere, isLeader, isEndKept } = deps;

  /** True once a group has handled the run-ended events that the bus had before; false where that takes too long. */
  const settled = (group: string, limitMs: number) => bus.hasCaughtUp(group, "run.*", limitMs);

  /**
   * Ends that are recorded and that no scheduler has noted yet: a process may end between the two. Where the records
   * are in this process, they are the only ones who keep ends, and nothing is known without their answer.
   */
  async function recordedEnds(questions: readonly Question[]) {
    const states = await commandHandler.currentRuns([...new Set(questions.map(taskOf))]);
    const tracked = questions.flatMap((run) => tracking(run, states));
    const known = await (isEndKept
      ? endedRuns.find(tracked, { timeout: RECORDS_LIMIT_MS }).catch(() => NONE)
      : endedRuns.find(tracked, readOnlyCall));
    // Also while this scheduler only becomes active: the runs that it adopts are confirmed then.
    if (isLeader()) await endedRuns.remove(tracked.filter(({ run }) => known.has(run.runId)));
    return known;
  }

  /**
   * Verdicts on runs that their tasks do not track: their end was noted, or the task is deleted. The task's stream
   * holds what was dispatched and revoked, the records what has ended. Asked once for all: a question has little time.
   */
  async function untracked(
    questions: readonly Question[],
    limitMs: number,
  ): Promise<ReadonlyMap<string, RunVerdict>> {
    if (questions.length === 0) return NO_VERDICTS;
    const taskIds = [...new Set(questions.map(({ taskId }) => taskId))];
    const folded = taskIds.map(async (taskId) => {
      const stream = await store.readStream(`task-${taskId}`);
      const events = stream.filter((event) => isOf("task.*", event));
      return [taskId, fold(task, events)] as const;
    });
    const dispatched = new Map(await Promise.all(folded));
    if (!(await settled("records", limitMs))) return NO_VERDICTS;
    const known = await endedRuns.find(
      questions.flatMap((run) => tracking(run, dispatched)),
      readOnlyCall,
    );
    return new Map(
      questions.map(({ taskId, runId }) => {
        const state = dispatched.get(taskId) as Task;
        return [runId, known.has(runId) ? "ended" : verdictOn(state, runId)] as const;
      }),
    );
  }

  return async (questions, asker, limitMs = CONFIRM_TIMEOUT_MS) => {
    const askedAt = performance.now();
    const leftMs = () => Math.max(0, askedAt + limitMs - ANSWERING_MS - performance.now());
    const repeated = questions.filter(({ mayHaveEnded }) => mayHaveEnded);
    const { isSettled, ends, elsewhere } =
      repeated.length > 0 ? await within(look(repeated, asker, leftMs()), leftMs(), UNSEEN) : ON_TIME;
    // Last, since all else takes time, and a task may be stopped meanwhile.
    const waitedMs = performance.now() - askedAt;
    const states = await commandHandler.currentRuns([...new Set(questions.map(taskOf))]);
    const verdicts = questions.map(({ taskId, runId, mayHaveEnded }): RunVerdict | null => {
      if (ends.has(runId)) return "ended";
      if (mayHaveEnded && (!isSettled || elsewhere.has(runId))) return "unknown";
      const state = states.get(taskId);
      if (state && runOf(state, runId)) return verdictOn(state, runId);
      return isEndKept && state && state.status !== "none" ? "ended" : null;
    });
    const rest = await within(
      untracked(
        questions.filter((_, index) => verdicts[index] === null),
        leftMs(),
      ),
      leftMs(),
      NO_VERDICTS,
    );
    return {
      verdicts: questions.map(({ runId }, index) => verdicts[index] ?? rest.get(runId) ?? "unknown"),
      waitedMs,
    };
  };

  /**
   * Looks for what another executor has done with these runs, or is doing. Where the bus keeps ends, the records are
   * asked meanwhile; where they alone keep them, once nothing is on its way to them.
   */
  async function look(runs: readonly Question[], asker: string, limitMs: number): Promise<Sighting> {
    const runIds = runs.map(({ runId }) => runId);
    const settling = settled("scheduler", limitMs);
    const onRecord = () => recordedEnds(runs);
    const [isSettled, elsewhere, ends] = await Promise.all([
      settling,
      heldElsewhere(runIds, asker),
      isEndKept ? onRecord() : settling.then((isOver) => (isOver ? onRecord() : NONE)),
    ]);
    return { isSettled, ends, elsewhere };
  }
}

interface Sighting {
  /** Every run-ended event that the bus had before is noted. */
  readonly isSettled: boolean;
  readonly ends: ReadonlySet<string>;
  readonly elsewhere: ReadonlySet<string>;
}

const NONE: ReadonlySet<string> = new Set();
const NO_VERDICTS: ReadonlyMap<string, RunVerdict> = new Map();
const ON_TIME: Sighting = { isSettled: true, ends: NONE, elsewhere: NONE };
const UNSEEN: Sighting = { ...ON_TIME, isSettled: false };

const taskOf = ({ taskId }: Question): string => taskId;

function tracking({ taskId, runId }: Question, states: ReadonlyMap<string, TaskRuns>): TrackedRun[] {
  const state = states.get(taskId);
  const run = state && runOf(state, runId);
  return run ? [{ taskId, run }] : [];
}
