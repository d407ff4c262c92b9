import { setTimeout as delay } from "node:timers/promises";
import type { Bus, SubscriptionHandle } from "../../../shared/bus/bus.ts";
import { isRunEnded, type RunEnded } from "../../../shared/contracts/run-events.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Outbox } from "../../../shared/event-store/outbox.ts";
import type { Log } from "../../../shared/log.ts";
import type { Fence } from "../leadership/mongo-fence.ts";
import type { LeaseDocument } from "../leadership/mongo-lease.ts";
import type { EndedRuns } from "../runs/ended-runs.ts";
import type { OpenRunsPage, TaskStore } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
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
  readonly commandHandler: TaskCommandHandler;
  readonly loop: DueLoop;
  readonly fence: Fence;
  readonly bus: Bus;
  readonly tasks: Pick<TaskStore, "withOpenRuns">;
  /** Removes those of the tasks' runs whose end is recorded. */
  readonly reconcile: EndedRuns["reconcile"];
  readonly log: Log;
  /** After this silence of a dead scheduler its run ends are delivered to the next one. */
  readonly ackWaitMs: number;
}

const END_GRACE_MS = 500;
/** Tasks whose runs are compared with the records in one go. */
const RECONCILED = 1000;

export function activeScheduler(options: ActiveSchedulerOptions): ActiveScheduler {
  const { outbox, commandHandler, loop, fence, bus, tasks, reconcile, log, ackWaitMs } = options;
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
        commandHandler.open(epoch);
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
            const removed = ends.map(({ data }) => commandHandler.endRun(data));
            for (const { data } of ends) loop.ended(data.taskId);
            await Promise.all(removed);
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
        // What is under way may end; then the command handler rejects the rest, which waits for a store that may be unavailable.
        await Promise.race([stopped, delay(END_GRACE_MS, undefined, { ref: false })]);
        commandHandler.close();
        await Promise.all([stopped, reconciling]);
        subscription = undefined;
      }),
  };
}
