import { performance } from "node:perf_hooks";
import { type Delivery, Requeue } from "../../shared/bus/bus.ts";
import { monotonicClock } from "../../shared/clock.ts";
import type { ActionResult } from "../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import type { RunVerdict } from "../../shared/contracts/scheduler-actions.ts";
import { afterTurn } from "./attempt/after-turn.ts";
import { attemptIdentity } from "./attempt/attempt-events.ts";
import { attemptTimers } from "./attempt/attempt-timers.ts";
import { isoInstant } from "./attempt/instants.ts";
import { type AttemptDeps, RunAttempt } from "./attempt/run-attempt.ts";
import type { RunEventSink } from "./attempt/run-event-sink.ts";
import { drain } from "./drain.ts";
import { expiringMap } from "./expiring-map.ts";
import { type HeldRun, heldRun } from "./held-run.ts";
import { loopWatch } from "./loop-watch.ts";
import type { RunQuestion } from "./start/confirm-runs.ts";
import { startQueue } from "./start/start-queue.ts";

/** Holds runs until their planned time, runs them, and answers for each exactly once. */
export interface RunExecutor {
  /**
   * Resolves when the run's outcome is accepted by the bus, or when there is nothing to do. Errors: `REQUEUE` when
   * the executor stops first; what the bus answers for an outcome it will never take. A run that may not start
   * unconfirmed waits for as long as the scheduler cannot be asked.
   */
  execute(due: DomainEnvelope<"task.due">, delivery: Delivery): Promise<void>;
  /** Cancels what has not started, now and when it arrives later; returns those of the runs that have started here. */
  revoke(runIds: readonly string[]): readonly string[];
  /** Which of these runs are in hand: until the bus has accepted the outcome, or the run was handed back. */
  inFlight(runIds: readonly string[]): ActionResult<"executor.inFlight">;
  /** To be called when no delivery is left. */
  close(): void;
}

export interface RunExecutorDeps extends Omit<AttemptDeps, "emit" | "later"> {
  readonly sink: RunEventSink;
  /** Runs that execute at the same time. */
  readonly concurrency: number;
  /** How long running handlers may take once the executor stops. */
  readonly drainMs: number;
  /** Asks the scheduler whether runs may still start; verdicts in the order asked. */
  confirm(runs: readonly RunQuestion[]): Promise<readonly RunVerdict[]>;
}

/** A revocation outlives by far what the bus may still hold of a dispatch 1.5 s ahead. */
const REVOKED = { keepMs: 300_000, limit: 100_000 };
/** The newest attempt of each run that ended here: delivered a second time, it is not executed again. */
const ENDED = { keepMs: 60_000, limit: 20_000 };

export function runExecutor(deps: RunExecutorDeps): RunExecutor {
  const { clock, sink, logger } = deps;
  const inHand = new Map<string, HeldRun>();
  const revoked = expiringMap<true>(clock, REVOKED);
  const ended = expiringMap<number>(clock, ENDED);
  const timers = attemptTimers(monotonicClock);
  const attemptDeps: AttemptDeps = { ...deps, later: afterTurn(), emit: sink.emit };
  const watch = loopWatch({
    log: logger,
    running: () => [...inHand.values()].flatMap(({ attempt }) => attempt?.handlerName ?? []),
  });
  let stopping: AbortSignal | undefined;

  const accepted = (run: HeldRun): void => {
    inHand.delete(run.key);
    ended.set(run.due.data.runId, run.due.data.attempt);
    run.answer.resolve();
  };
  const failed = (run: HeldRun, error: unknown): void => {
    inHand.delete(run.key);
    run.answer.reject(error);
  };

  const start = (run: HeldRun, now: number): void => {
    const { handler } = run.due.data;
    const attempt = new RunAttempt(run.due, run.delivery.count, attemptDeps, {
      accepted: () => accepted(run),
      failed: (error) => failed(run, error),
      settled() {
        watch.settled(handler);
        timers.forget(attempt);
        queue.release();
      },
    });
    run.attempt = attempt;
    const from = performance.now();
    if (attempt.begin(now)) timers.watch(attempt);
    watch.called(handler, from);
  };
  const cancel = (run: HeldRun): void => {
    const at = isoInstant(clock.now());
    const identity = attemptIdentity(run.due, run.delivery.count, deps.executor);
    const data = { ...identity, startedAt: at, endedAt: at, reason: "revoked" } as const;
    sink.emit({ type: "run.cancelled", data }, run.due).then(
      () => accepted(run),
      (error: unknown) => failed(run, error),
    );
  };
  const queue = startQueue<HeldRun>({
    clock,
    logger,
    slots: deps.concurrency,
    confirm: deps.confirm,
    start,
    refused(run, verdict) {
      if (verdict === "revoked") return cancel(run);
      logger.debug({ runId: run.due.data.runId }, "a run has ended already: dropped");
      accepted(run);
    },
  });
  const admit = (run: HeldRun): void => {
    if (stopping?.aborted) failed(run, new Requeue("the executor stops"));
    else if (revoked.get(run.due.data.runId)) cancel(run);
    else queue.add(run);
  };

  return {
    execute(due, delivery) {
      if (delivery.stopping !== stopping) {
        stopping = delivery.stopping;
        stopping.addEventListener("abort", () => drain({ inHand, queue, failed, ...deps }), { once: true });
      }
      const { runId, attempt } = due.data;
      const key = `${runId}/${attempt}`;
      const known = inHand.get(key);
      if (known) return known.answer.promise;
      if (delivery.resent && (ended.get(runId) ?? 0) >= attempt) return Promise.resolve();
      const run = heldRun(key, due, delivery);
      inHand.set(key, run);
      admit(run);
      return run.answer.promise;
    },
    inFlight(runIds) {
      const asked = new Set(runIds);
      const runs = [...inHand.values()].filter(({ due }) => asked.has(due.data.runId));
      const ids = (of: readonly HeldRun[]) => of.map(({ due }) => due.data.runId);
      return { held: ids(runs), started: ids(runs.filter(({ attempt }) => attempt !== undefined)) };
    },
    revoke(runIds) {
      for (const id of runIds) revoked.set(id, true);
      const asked = new Set(runIds);
      const started = new Set(runIds.filter((id) => ended.get(id) !== undefined));
      for (const run of inHand.values()) {
        const { runId } = run.due.data;
        if (!asked.has(runId)) continue;
        if (run.attempt) started.add(runId);
        else if (queue.drop(run)) cancel(run);
      }
      return [...started];
    },
    close() {
      queue.close();
      timers.close();
      watch.close();
      sink.close();
    },
  };
}
