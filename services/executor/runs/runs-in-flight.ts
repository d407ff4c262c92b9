import type { Clock } from "../../../shared/clock.ts";
import type { ActionResult } from "../../../shared/contracts/actions.ts";
import type { DomainEnvelope } from "../../../shared/contracts/catalogue.ts";
import type { Cancellation } from "../../../shared/contracts/run-events.ts";
import { type ExpiringMap, expiringMap } from "./expiring-map.ts";
import type { RunInFlight } from "./run-in-flight.ts";

/** Much longer than the bus may still deliver a run that was dispatched 1.5 s ahead and then revoked. */
const REVOKED = { keepMs: 300_000, limit: 100_000 };
/** How long the last attempt of an ended run is known: a redelivery of it is not executed again. */
const ENDED = { keepMs: 60_000, limit: 20_000 };

interface Revocation {
  readonly cancellation: Cancellation | null;
}
const WITH_ITS_TASK: Revocation = { cancellation: null };

/** The runs that an executor has in flight, and those that recently ended or were revoked. */
export class RunsInFlight {
  readonly #runs = new Map<string, RunInFlight>();
  readonly #revoked: ExpiringMap<Revocation>;
  readonly #ended: ExpiringMap<number>;

  constructor(clock: Clock) {
    this.#revoked = expiringMap<Revocation>(clock, REVOKED);
    this.#ended = expiringMap<number>(clock, ENDED);
  }

  get size(): number {
    return this.#runs.size;
  }

  all(): Iterable<RunInFlight> {
    return this.#runs.values();
  }

  get(key: string): RunInFlight | undefined {
    return this.#runs.get(key);
  }

  add(run: RunInFlight): void {
    this.#runs.set(run.key, run);
  }

  /** The run has ended here. */
  end(run: RunInFlight): void {
    const { runId, attempt } = run.due.data;
    this.#runs.delete(run.key);
    this.#ended.set(runId, attempt);
    run.handling.resolve();
  }

  /** The run leaves this executor without an outcome. */
  fail(run: RunInFlight, error: unknown): void {
    this.#runs.delete(run.key);
    run.handling.reject(error);
  }

  /** True if this attempt of the run, or a later one, recently ended here. */
  hasEnded({ data: { runId, attempt } }: DomainEnvelope<"task.due">): boolean {
    return (this.#ended.get(runId) ?? 0) >= attempt;
  }

  isRevoked(runId: string): boolean {
    return this.#revoked.get(runId) !== undefined;
  }

  /** The request that cancelled the run; null if it was revoked with its task, or not at all. */
  cancellationOf(runId: string): Cancellation | null {
    return this.#revoked.get(runId)?.cancellation ?? null;
  }

  revoke(runIds: readonly string[]): void {
    for (const runId of runIds)
      if (this.cancellationOf(runId) === null) this.#revoked.set(runId, WITH_ITS_TASK);
  }

  cancel(runId: string, cancellation: Cancellation): void {
    this.#revoked.set(runId, { cancellation });
  }

  /** Returns the runs in flight with one of these ids. */
  withIds(runIds: readonly string[]): readonly RunInFlight[] {
    const wanted = new Set(runIds);
    return [...this.#runs.values()].filter(({ due }) => wanted.has(due.data.runId));
  }

  /** Returns those of the runs that have started here, and may have ended. */
  startedOf(runIds: readonly string[]): Set<string> {
    const started = runIds.filter((runId) => this.#ended.get(runId) !== undefined);
    return new Set([...started, ...idsOf(this.withIds(runIds).filter(hasStarted))]);
  }

  /** True if the run is in flight here or has ended here recently. */
  holds(runId: string): boolean {
    return this.#ended.get(runId) !== undefined || this.withIds([runId]).length > 0;
  }

  /** `reserve` is called for the runs that have not started. */
  inFlight(
    runIds: readonly string[],
    reserve: (run: RunInFlight) => boolean,
  ): ActionResult<"executor.inFlight"> {
    const runs = this.withIds(runIds);
    return { held: idsOf(runs), started: idsOf(runs.filter((run) => hasStarted(run) || reserve(run))) };
  }

  /** Returns the handlers of the runs that have started. */
  handlersAtWork(): readonly string[] {
    return [...this.#runs.values()].flatMap(({ attempt }) => attempt?.handlerName ?? []);
  }
}

const hasStarted = ({ attempt }: RunInFlight): boolean => attempt !== undefined;
const idsOf = (runs: readonly RunInFlight[]): readonly string[] => runs.map(({ due }) => due.data.runId);
