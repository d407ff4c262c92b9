import { setTimeout as delay } from "node:timers/promises";
import type { Bus, SubscriptionHandle } from "../../../shared/bus/bus.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { isRunEnded, type RunEnded, retryAtOf } from "../../../shared/contracts/run-events.ts";
import { errorMessage } from "../../../shared/errors.ts";
import type { Outbox } from "../../../shared/event-store/outbox.ts";
import type { Log } from "../../../shared/log.ts";
import type { Fence } from "../leadership/mongo-fence.ts";
import type { LeaseDocument } from "../leadership/mongo-lease.ts";
import type { RunCancellation } from "../runs/cancellation.ts";
import { type EndedRuns, tasksWithOpenRuns } from "../runs/ended-runs.ts";
import type { TaskStore } from "../store/mongo-tasks.ts";
import type { TaskCommandHandler } from "../store/task-command-handler.ts";
import { openRunOf } from "../task/task-state.ts";
import type { DueLoop } from "./due-loop.ts";
import type { RetryLoop } from "./retry-loop.ts";

/** The work of the one scheduler that holds the lease. */
export interface ActiveScheduler {
  /**
   * @throws `STORE_UNAVAILABLE`, and what the bus throws; the caller then calls `end`
   */
  begin(epoch: number, previous: LeaseDocument | null): Promise<void>;
  end(): Promise<void>;
  /** True from the end of `begin` to the start of `end`. */
  isActive(): boolean;
}

export interface ActiveSchedulerOptions {
  readonly outbox: Outbox;
  readonly commandHandler: TaskCommandHandler;
  readonly loop: DueLoop;
  readonly fence: Fence;
  readonly bus: Bus;
  readonly tasks: Pick<TaskStore, "withOpenRuns">;
  readonly endedRuns: Pick<EndedRuns, "reconcile">;
  readonly cancellation: Pick<RunCancellation, "withdraw" | "endWaiting">;
  readonly retries: Pick<RetryLoop, "start" | "stop">;
  readonly log: Log;
  /** Run-ended events that a dead scheduler did not acknowledge are delivered to the next one after this time. */
  readonly ackWaitMs: number;
}

const END_GRACE_MS = 500;
/** Tasks whose open runs are compared with the records at a time. */
const PAGE_SIZE = 1000;

export function activeScheduler(options: ActiveSchedulerOptions): ActiveScheduler {
  const { outbox, commandHandler, loop, fence, bus, tasks, endedRuns, log, ackWaitMs } = options;
  const { cancellation, retries } = options;
  let subscription: SubscriptionHandle | undefined;
  let isActive = false;
  let lastStep: Promise<void> = Promise.resolve();
  let reconciling: Promise<void> | undefined;

  /** Also for tasks that are not active, which the due loop does not load: they can be resumed or changed later. */
  async function reconcileAll(): Promise<void> {
    for await (const page of tasksWithOpenRuns(tasks, PAGE_SIZE)) {
      if (!isActive) return;
      await endedRuns.reconcile(page);
    }
  }

  /** If the lease is lost while `begin` is under way, `end` starts when it has finished. */
  function oneAtATime(step: () => Promise<void>): Promise<void> {
    const next = lastStep.then(step);
    lastStep = next.catch((error: unknown) =>
      log.error({ reason: errorMessage(error) }, "the scheduler could not become active or inactive"),
    );
    return next;
  }

  async function handleRunEvents(events: readonly DomainEnvelope[]): Promise<void> {
    const ends = events.filter(isRunEnded) as readonly RunEnded[];
    const removed = ends.map(({ data: { taskId, runId } }) => commandHandler.endRun({ taskId, runId }));
    for (const { data } of ends) loop.runEnded(data.taskId);
    if (ends.length < events.length) await Promise.all(events.map(attemptEnded));
    await Promise.all(removed);
  }

  async function attemptEnded({ type, data }: DomainEnvelope): Promise<void> {
    const retryAt = retryAtOf({ data });
    if (retryAt === null || (type !== "run.failed" && type !== "run.timed_out")) return;
    const { taskId, runId, attempt } = data as RunEnded["data"];
    const { after } = await commandHandler.awaitRetry({
      taskId,
      runId,
      attempt,
      retryAt: Date.parse(retryAt),
    });
    const run = openRunOf(after, runId);
    // Not awaited: the run watch repeats it, and the records service ends the run of a deleted task in any case.
    if (!run) void cancellation.withdraw(taskId, runId);
    else void cancellation.endWaiting(taskId, [run]);
  }

  return {
    isActive: () => isActive,

    begin: (epoch, previous) =>
      oneAtATime(async () => {
        // Before anything is read: no decision of an earlier scheduler is stored after this.
        await fence.raise(epoch, previous?.sessions ?? []);
        commandHandler.open(epoch);
        // Before events are adopted, so that no end of an adopted run is missed.
        subscription = await bus.subscribe({
          pattern: "run.*",
          group: "scheduler",
          maxInFlight: 5000,
          ackWaitMs,
          maxDeliver: 5,
          backoffMs: [200, 1000, 5000],
          batch: { maxSize: 1000, lingerMs: 2 },
          handleBatch: handleRunEvents,
        });
        await outbox.adoptAll();
        await loop.start();
        retries.start();
        isActive = true;
        reconciling = reconcileAll().catch((error: unknown) =>
          log.warn({ reason: errorMessage(error) }, "open runs could not be compared with the records"),
        );
      }),

    end: () =>
      oneAtATime(async () => {
        isActive = false;
        // Both at once: a scheduler that has lost the lease should store as little as possible.
        const stopped = Promise.all([loop.stop(), retries.stop(), subscription?.stop()]);
        // Commands in flight have this long. Then the others are rejected, which may wait for an unavailable store.
        await Promise.race([stopped, delay(END_GRACE_MS, undefined, { ref: false })]);
        commandHandler.close();
        await Promise.all([stopped, reconciling]);
        subscription = undefined;
      }),
  };
}
