import { performance } from "node:perf_hooks";
import { type Delivery, Requeue } from "../../../shared/bus/bus.ts";
import { monotonicClock } from "../../../shared/clock.ts";
import type { ActionResult } from "../../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import { isoInstant } from "../../../shared/contracts/instants.ts";
import type { Cancellation } from "../../../shared/contracts/run-events.ts";
import type { ExecutorLevel } from "../../../shared/monitoring/metrics.ts";
import { attemptIdentity, cancelledEvent } from "../attempt/attempt-events.ts";
import { type AttemptTimers, attemptTimers } from "../attempt/attempt-timers.ts";
import { OutcomePublisher } from "../attempt/outcome-publisher.ts";
import { type AttemptDeps, type AttemptListener, RunAttempt } from "../attempt/run-attempt.ts";
import type { RunEventSink } from "../attempt/run-event-sink.ts";
import type { Confirmation, RunToConfirm } from "../start/confirm-runs.ts";
import { type StartQueue, startQueue } from "../start/start-queue.ts";
import { drain } from "./drain.ts";
import { type LoopWatch, loopWatch } from "./loop-watch.ts";
import { keyOf, type RunInFlight, runInFlight } from "./run-in-flight.ts";
import { RunsInFlight } from "./runs-in-flight.ts";

/** Starts runs at their planned time and publishes exactly one outcome for each, or requeues it. */
export interface RunExecutor {
  /**
   * Resolves when the bus has accepted the run's outcome, or when there is nothing to do. A run that must be confirmed
   * waits as long as the scheduler is unavailable.
   * @throws `REQUEUE` if the executor stops first; the bus's error for an outcome that it will never accept
   */
  execute(due: DomainEnvelope<"task.due">, delivery: Delivery): Promise<void>;
  /** Cancels runs that have not started, now or when they are delivered later; returns those that have started here. */
  revoke(runIds: readonly string[]): readonly string[];
  /**
   * Cancels a run: if it has not started, now or when it is delivered later; otherwise its handler is aborted. Returns
   * true if it is in flight here or has ended here recently, so that its outcome is published by this executor.
   */
  cancel(runId: string, cancellation: Cancellation): boolean;
  /**
   * Returns those of the runs that are in flight here, and those of them that have started, or will start without a
   * question about other executors. The others may be given to another executor from now on.
   */
  inFlight(runIds: readonly string[]): ActionResult<"executor.inFlight">;
  /** Returns how many runs are in flight here. */
  level(): ExecutorLevel;
  /** To be called when no delivery is left. */
  close(): void;
}

export interface RunExecutorDeps extends Omit<AttemptDeps<RunInFlight>, "emit" | "outcomes" | "listener"> {
  readonly sink: RunEventSink;
  /** Runs that execute at the same time. */
  readonly concurrency: number;
  /** How long running handlers may take once the executor stops. */
  readonly drainMs: number;
  /** Asks the scheduler whether runs may still start; returns the verdicts in the order of the runs. */
  confirm(runs: readonly RunToConfirm[]): Promise<Confirmation>;
}

export function runExecutor(deps: RunExecutorDeps): RunExecutor {
  return new SlotExecutor(deps);
}

class SlotExecutor implements RunExecutor, AttemptListener<RunInFlight> {
  readonly #deps: RunExecutorDeps;
  readonly #attemptDeps: AttemptDeps<RunInFlight>;
  readonly #runs: RunsInFlight;
  readonly #queue: StartQueue<RunInFlight>;
  readonly #timers: AttemptTimers;
  readonly #watch: LoopWatch;
  #stopping: AbortSignal | undefined;

  constructor(deps: RunExecutorDeps) {
    const { clock, logger, sink, concurrency, confirm } = deps;
    const emit: RunEventSink["emit"] = (event, cause) => sink.emit(event, cause);
    this.#deps = deps;
    this.#attemptDeps = { ...deps, emit, outcomes: new OutcomePublisher(emit), listener: this };
    this.#runs = new RunsInFlight(clock);
    this.#timers = attemptTimers(monotonicClock);
    this.#watch = loopWatch({ log: logger, running: () => this.#runs.handlersAtWork() });
    this.#queue = startQueue<RunInFlight>({
      clock,
      logger,
      slots: concurrency,
      confirm: async (runs) => {
        const { verdicts, cancelled } = await confirm(runs);
        for (const { runId, cancellation } of cancelled) this.#runs.cancel(runId, cancellation);
        return verdicts;
      },
      start: (run, now) => this.#start(run, now),
      rejected: (run, verdict) => (verdict === "revoked" ? this.#cancel(run) : this.#drop(run)),
    });
  }

  execute(due: DomainEnvelope<"task.due">, delivery: Delivery): Promise<void> {
    this.#drainOn(delivery.stopping);
    const key = keyOf(due);
    const known = this.#runs.get(key);
    if (known) return known.handling.promise;
    if (delivery.resent && this.#runs.hasEnded(due)) return Promise.resolve();
    const run = runInFlight(key, due, delivery);
    this.#runs.add(run);
    if (delivery.stopping.aborted) this.failed(run, new Requeue("the executor stops"));
    else if (this.#runs.isRevoked(due.data.runId)) this.#cancel(run);
    else this.#queue.add(run);
    return run.handling.promise;
  }

  revoke(runIds: readonly string[]): readonly string[] {
    this.#runs.revoke(runIds);
    const started = this.#runs.startedOf(runIds);
    for (const run of this.#runs.withIds(runIds))
      if (!run.attempt && this.#queue.drop(run)) this.#cancel(run);
    return [...started];
  }

  cancel(runId: string, cancellation: Cancellation): boolean {
    this.#runs.cancel(runId, cancellation);
    const isHeld = this.#runs.holds(runId);
    for (const run of this.#runs.withIds([runId])) {
      if (run.attempt) run.attempt.cancel(cancellation);
      else if (this.#queue.drop(run)) this.#cancel(run);
    }
    return isHeld;
  }

  inFlight(runIds: readonly string[]): ActionResult<"executor.inFlight"> {
    return this.#runs.inFlight(runIds, this.#queue.reserve);
  }

  level(): ExecutorLevel {
    const running = this.#runs.handlersAtWork().length;
    return { running, waiting: this.#runs.size - running, slots: this.#deps.concurrency };
  }

  close(): void {
    this.#queue.close();
    this.#timers.close();
    this.#watch.close();
    this.#deps.sink.close();
  }

  handlerReturned(run: RunInFlight): void {
    this.#watch.returned(run.due.data.handler);
    if (run.attempt) this.#timers.unwatch(run.attempt);
    this.#queue.release();
  }

  accepted(run: RunInFlight): void {
    this.#runs.end(run);
  }

  failed(run: RunInFlight, error: unknown): void {
    this.#runs.fail(run, error);
  }

  #start(run: RunInFlight, now: number): void {
    const attempt = new RunAttempt(run, this.#attemptDeps);
    run.attempt = attempt;
    const from = performance.now();
    if (attempt.start(now)) this.#timers.watch(attempt);
    this.#watch.called(run.due.data.handler, from);
  }

  #cancel(run: RunInFlight): void {
    const { sink, clock, executor, metrics } = this.#deps;
    const identity = attemptIdentity(run.due, run.delivery.count, executor);
    const cancellation = this.#runs.cancellationOf(run.due.data.runId);
    sink.emit(cancelledEvent(identity, isoInstant(clock.now()), cancellation), run.due).then(
      () => {
        metrics?.runEnded({ handler: run.due.data.handler, outcome: "cancelled" });
        this.accepted(run);
      },
      (error: unknown) => this.failed(run, error),
    );
  }

  #drop(run: RunInFlight): void {
    this.#deps.logger.debug({ runId: run.due.data.runId }, "a run has ended elsewhere and is dropped");
    this.accepted(run);
  }

  /** Deliveries of one subscription share a signal, so this listens once per subscription. */
  #drainOn(stopping: AbortSignal): void {
    if (stopping === this.#stopping) return;
    this.#stopping = stopping;
    const { sink, logger, drainMs } = this.#deps;
    const deps = { runs: this.#runs, queue: this.#queue, sink, logger, drainMs };
    stopping.addEventListener("abort", () => drain(deps), { once: true });
  }
}
