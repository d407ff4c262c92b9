import { setTimeout as delay } from "node:timers/promises";
import type { Bus, SubscriptionHandle } from "../../../shared/bus/bus.ts";
import { isRunEnded, type RunEnded } from "../../../shared/contracts/run-events.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Outbox } from "../../../shared/event-store/outbox.ts";
import type { Log } from "../../../shared/log.ts";
import { type Caller, call } from "../../../shared/service.ts";
import type { Fence } from "../leadership/mongo-fence.ts";
import type { LeaseDocument } from "../leadership/mongo-lease.ts";
import type { OpenRunsPage, TaskStore } from "../store/mongo-tasks.ts";
import type { TaskLedger } from "../store/task-ledger.ts";
import type { ActiveRun, DefinedTask } from "../task/task-state.ts";
import type { DueLoop } from "./due-loop.ts";

/** The work of the one scheduler that holds the lease. */
export interface ActiveScheduler {
  /** Errors: `STORE_UNAVAILABLE`, and what the bus throws; then `end` is called. */
  begin(epoch: number, previous: LeaseDocument | null): Promise<void>;
  end(): Promise<void>;
  /** True between the two. */
  isActive(): boolean;
}

export interface ActiveSchedulerOptions {
  readonly outbox: Outbox;
  readonly ledger: TaskLedger;
  readonly loop: DueLoop;
  readonly fence: Fence;
  readonly bus: Bus;
  readonly tasks: Pick<TaskStore, "withOpenRuns">;
  /** Settles those of the tasks' runs whose end is on record. */
  readonly reconcile: Reconcile;
  readonly log: Log;
  /** After this silence of a dead scheduler its run ends are delivered to the next one. */
  readonly ackWaitMs: number;
}

const END_GRACE_MS = 500;
/** Tasks whose runs are compared with the records in one go. */
const RECONCILED = 1000;

export function activeScheduler(options: ActiveSchedulerOptions): ActiveScheduler {
  const { outbox, ledger, loop, fence, bus, tasks, reconcile, log, ackWaitMs } = options;
  let subscription: SubscriptionHandle | undefined;
  let isActive = false;
  let turn: Promise<void> = Promise.resolve();
  let reconciling: Promise<void> | undefined;

  /**
   * Tasks that are not active are loaded by nobody, but an end that was recorded and not noted by a scheduler that died
   * would hold them up once they are started or changed.
   */
  async function reconcileAll(): Promise<void> {
    for (let after: string | null = ""; after !== null && isActive; ) {
      const page: OpenRunsPage = await tasks.withOpenRuns(after, RECONCILED);
      await reconcile(page.tasks);
      after = page.last;
    }
  }

  /** Losing the lease while the work is still beginning ends it when it has begun. */
  function inTurn(step: () => Promise<void>): Promise<void> {
    const next = turn.then(step);
    turn = next.catch((error: unknown) =>
      log.error({ reason: errorMessage(error) }, "the scheduler's turn failed"),
    );
    return next;
  }

  return {
    isActive: () => isActive,

    begin: (epoch, previous) =>
      inTurn(async () => {
        // Before anything is read: nothing that an earlier scheduler decided is stored after this.
        await fence.raise(epoch, previous?.sessions ?? []);
        ledger.open(epoch);
        // Before anything is adopted, so that no end of an adopted run is missed.
        subscription = await bus.subscribe({
          pattern: "run.*",
          group: "scheduler",
          maxInFlight: 5000,
          ackWaitMs,
          maxDeliver: 5,
          backoffMs: [200, 1000, 5000],
          batch: { maxSize: 1000, lingerMs: 2 },
          handleBatch: async (events) => {
            const ends = events.filter(isRunEnded) as readonly RunEnded[];
            const settled = ends.map((event) => ledger.observe(event));
            for (const { data } of ends) loop.ended(data.taskId);
            await Promise.all(settled);
          },
        });
        await outbox.adoptAll();
        await loop.start();
        isActive = true;
        reconciling = reconcileAll().catch((error: unknown) =>
          log.warn({ reason: errorMessage(error) }, "open runs could not be compared with the records"),
        );
      }),

    end: () =>
      inTurn(async () => {
        isActive = false;
        // Together: who has lost the lease should write as little as possible, what has ended included.
        const stopped = Promise.all([loop.stop(), subscription?.stop()]);
        // What is under way may end; then the ledger refuses the rest, which waits for a store that may be away.
        await Promise.race([stopped, delay(END_GRACE_MS, undefined, { ref: false })]);
        ledger.close();
        await Promise.all([stopped, reconciling]);
        subscription = undefined;
      }),
  };
}

export type Reconcile = (tasks: readonly DefinedTask[]) => Promise<void>;

const ASK_TIMEOUT_MS = 3000;
/** As many as `records.ended` takes. */
const ASKED_RUNS = 5000;

/**
 * For tasks that a new active scheduler loads: runs whose end is on record, but was told to a scheduler that died
 * with it, are settled, so that they hold up no occurrence.
 */
export function reconcileRuns(caller: Caller, ledger: Pick<TaskLedger, "observe">, log: Log): Reconcile {
  return async (tasks) => {
    const runs = tasks.flatMap(({ taskId, running }) => running.map((run) => ({ taskId, run })));
    try {
      for (let from = 0; from < runs.length; from += ASKED_RUNS) {
        const chunk = runs.slice(from, from + ASKED_RUNS);
        const asked = { runs: chunk.map(plannedRun) };
        const { ended } = await call(caller, "records.ended", asked, { timeout: ASK_TIMEOUT_MS });
        const known = new Set(ended);
        const settled = chunk.filter(({ run }) => known.has(run.runId));
        await Promise.all(settled.map(({ taskId, run }) => ledger.observe(endOf(taskId, run))));
      }
    } catch (error) {
      log.warn({ reason: errorMessage(error) }, "runs on the books could not be compared with the records");
    }
  };
}

/** A run that its task tracks. */
export interface TrackedRun {
  readonly taskId: string;
  readonly run: ActiveRun;
}

/** A run as `records.ended` asks for it. */
export function plannedRun({ taskId, run: { runId, plannedAt } }: TrackedRun) {
  return { taskId, runId, plannedAt: new Date(plannedAt).toISOString() };
}

/** Stands for an end that is on record; only the run's identity matters to the task. */
export function endOf(taskId: string, { runId, attempt, plannedAt }: ActiveRun): RunEnded {
  const at = new Date(plannedAt).toISOString();
  return {
    type: "run.lost",
    data: { taskId, runId, attempt, plannedAt: at, lostAt: at, reason: "its end is on record" },
  };
}
