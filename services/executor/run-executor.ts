import { performance } from "node:perf_hooks";
import { type Delivery, HandBack } from "../../shared/bus/bus.ts";
import type { ActionParams } from "../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../shared/contracts/catalogue.ts";
import type { HeapEntry } from "../../shared/min-heap.ts";
import { afterTurn } from "./after-turn.ts";
import { attemptIdentity } from "./attempt-events.ts";
import { attemptTimers } from "./attempt-timers.ts";
import { drain } from "./drain.ts";
import { expiringMap } from "./expiring-map.ts";
import { heldRuns } from "./held-runs.ts";
import { isoInstant } from "./instants.ts";
import { loopWatch } from "./loop-watch.ts";
import { revokedRuns } from "./revoked-runs.ts";
import { type AttemptDeps, RunAttempt } from "./run-attempt.ts";
import type { RunEventSink } from "./run-event-sink.ts";

/** Holds runs until their planned time, runs them, and answers for each exactly once. */
export interface RunExecutor {
  /**
   * Resolves when the run's outcome is accepted by the bus, or when there is nothing to do. Errors: `HAND_BACK` when
   * the executor stops first; whatever `confirm` throws; what the bus answers for an outcome it will never take.
   */
  execute(due: DomainEnvelope<"task.due">, delivery: Delivery): Promise<void>;
  /** Cancels what has not started, now and when it arrives later; returns those of the runs that have started here. */
  revoke(revocation: ActionParams<"executor.revoke">): readonly string[];
  /** Which of these runs are in hand: until the bus has accepted the outcome, or the run was handed back. */
  holds(runIds: readonly string[]): readonly string[];
  /** To be called when no delivery is left. */
  close(): void;
}

export type Verdict = "wanted" | "ended" | "revoked";

export interface RunExecutorDeps extends Omit<AttemptDeps, "emit" | "later"> {
  readonly sink: RunEventSink;
  /** Runs that execute at the same time. */
  readonly concurrency: number;
  /** How long running handlers may take once the executor stops. */
  readonly drainMs: number;
  /** Asks whether a run that may have been executed before is still wanted; throws a retryable error when in doubt. */
  confirm(due: DomainEnvelope<"task.due">): Promise<Verdict>;
}

/** An order to run, from its arrival to its answer. */
export interface HeldRun extends HeapEntry {
  readonly key: string;
  readonly due: DomainEnvelope<"task.due">;
  readonly delivery: number;
  readonly answer: PromiseWithResolvers<void>;
  /** Set once its handler was called. */
  attempt: RunAttempt | undefined;
}

/** The newest attempt of each run that ended here: delivered a second time, it is not executed again. */
const ENDED = { keepMs: 60_000, limit: 20_000 };

export function runExecutor(deps: RunExecutorDeps): RunExecutor {
  const { clock, sink, logger } = deps;
  const bornAt = isoInstant(clock.now());
  const inHand = new Map<string, HeldRun>();
  const revocations = revokedRuns(clock);
  const ended = expiringMap<number>(clock, ENDED);
  const timers = attemptTimers(clock);
  const attemptDeps: AttemptDeps = { ...deps, later: afterTurn(), emit: sink.emit };
  const watch = loopWatch({
    warn: (message) => logger.warn(message),
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
    const attempt = new RunAttempt(run.due, run.delivery, attemptDeps, {
      accepted: () => accepted(run),
      failed: (error) => failed(run, error),
      settled() {
        watch.settled(handler);
        timers.forget(attempt);
        held.release();
      },
    });
    run.attempt = attempt;
    const from = performance.now();
    if (attempt.begin(now)) timers.watch(attempt);
    watch.called(handler, from);
  };
  const held = heldRuns<HeldRun>({ clock, places: deps.concurrency, start });

  const cancel = (run: HeldRun): void => {
    const at = isoInstant(clock.now());
    const identity = attemptIdentity(run.due, run.delivery, deps.executor);
    const data = { ...identity, startedAt: at, endedAt: at, reason: "revoked" } as const;
    sink.emit({ type: "run.cancelled", data }, run.due).then(
      () => accepted(run),
      (error: unknown) => failed(run, error),
    );
  };
  const admit = (run: HeldRun): void => {
    if (stopping?.aborted) failed(run, new HandBack("the executor stops"));
    else if (revocations.includes(run.due.data)) cancel(run);
    else held.hold(run);
  };
  const admitConfirmed = async (run: HeldRun): Promise<void> => {
    try {
      const verdict = await deps.confirm(run.due);
      if (verdict === "wanted") return admit(run);
      if (verdict === "revoked") return cancel(run);
      logger.debug(`run ${run.due.data.runId} was delivered again and has ended: dropped`);
      accepted(run);
    } catch (error) {
      failed(run, error);
    }
  };

  return {
    execute(due, delivery) {
      if (delivery.stopping !== stopping) {
        stopping = delivery.stopping;
        stopping.addEventListener("abort", () => drain({ inHand, held, failed, ...deps }), { once: true });
      }
      const { runId, attempt } = due.data;
      const key = `${runId}/${attempt}`;
      const known = inHand.get(key);
      if (known) return known.answer.promise;
      if (delivery.resent && (ended.get(runId) ?? 0) >= attempt) return Promise.resolve();
      const run = heldRun(key, due, delivery.count);
      inHand.set(key, run);
      if (delivery.resent || due.time < bornAt) admitConfirmed(run);
      else admit(run);
      return run.answer.promise;
    },
    holds(runIds) {
      const held = new Set([...inHand.values()].map(({ due }) => due.data.runId));
      return runIds.filter((id) => held.has(id));
    },
    revoke(revocation) {
      const isRevoked = revocations.add(revocation);
      const { runIds = [] } = revocation;
      const started = new Set(runIds.filter((id) => ended.get(id) !== undefined));
      for (const run of inHand.values()) {
        if (!isRevoked(run.due.data)) continue;
        if (run.attempt) started.add(run.due.data.runId);
        else if (held.drop(run)) cancel(run);
      }
      return [...started];
    },
    close() {
      held.close();
      timers.close();
      watch.close();
      sink.close();
    },
  };
}

function heldRun(key: string, due: DomainEnvelope<"task.due">, delivery: number): HeldRun {
  const answer = Promise.withResolvers<void>();
  const at = Date.parse(due.data.plannedAt);
  return { key, due, delivery, answer, attempt: undefined, at, sequence: 0, position: -1 };
}
