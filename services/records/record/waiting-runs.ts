import { type RecordedEvent, recordIdOf } from "./record.ts";

/** A dispatched run that is not recorded yet. */
export interface WaitingRun {
  readonly event: RecordedEvent;
  /** The wait is counted from here (ms): from the planned time, or from the arrival if that is later. */
  readonly from: number;
  /** Resolves when the run is recorded. */
  readonly recorded: PromiseWithResolvers<void>;
}

/** The least and the most time that `task.due` waits to be written together with the first events of its run. */
export const WAIT_MS = 400;
export const MAX_WAIT_MS = 20_000;
/** More waiting runs than this mean that the executors are saturated, however fast the first events arrive. */
export const BACKLOG = 1000;
/** What is left of the slowest recent wait after each search for runs that have waited long enough. */
const DECAY = 0.98;

/** Dispatched runs that wait for their first events, so that a short run is written once instead of twice. */
export class WaitingRuns {
  readonly #runs = new Map<string, WaitingRun>();
  /** Runs that were taken before their first event had arrived, and since when they waited (ms). */
  readonly #expired = new Map<string, number>();
  /** How long the first events of runs have taken lately, the slowest of them (ms). */
  #slowest = 0;

  get size(): number {
    return this.#runs.size;
  }

  has(event: RecordedEvent): boolean {
    return this.#runs.has(recordIdOf(event));
  }

  /** Adds a run by its `task.due`. Resolves, or rejects, with its recording. */
  add(event: RecordedEvent, now: number): Promise<void> {
    const from = Math.max(now, Date.parse(event.data.plannedAt));
    const recorded = Promise.withResolvers<void>();
    this.#runs.set(recordIdOf(event), { event, from, recorded });
    return recorded.promise;
  }

  /** Removes and returns the runs that one of these events belongs to. */
  takeFor(events: readonly RecordedEvent[], now: number): WaitingRun[] {
    const taken: WaitingRun[] = [];
    for (const event of events) {
      const id = recordIdOf(event);
      const run = this.#runs.get(id);
      const from = run?.from ?? this.#expired.get(id);
      if (from === undefined) continue;
      if (now - from > this.#slowest) this.#slowest = now - from;
      this.#expired.delete(id);
      if (!run) continue;
      this.#runs.delete(id);
      taken.push(run);
    }
    return taken;
  }

  /**
   * Removes and returns the runs that have waited long enough: twice as long as others had to wait lately, since in a
   * backlog each record would be written twice, which would make the backlog longer.
   */
  takeExpired(now: number): WaitingRun[] {
    for (const [id, from] of this.#expired) {
      if (from > now - MAX_WAIT_MS) break;
      this.#expired.delete(id);
    }
    const usualMs = Math.min(MAX_WAIT_MS, Math.max(WAIT_MS, 2 * this.#slowest));
    const waitMs = this.size > BACKLOG ? MAX_WAIT_MS : usualMs;
    this.#slowest *= DECAY;
    const taken = this.#take(({ from }) => from <= now - waitMs);
    for (const { event, from } of taken) this.#expired.set(recordIdOf(event), from);
    return taken;
  }

  /** Removes and returns all runs. */
  takeAll(): WaitingRun[] {
    return this.#take(() => true);
  }

  #take(isTaken: (run: WaitingRun) => boolean): WaitingRun[] {
    const taken: WaitingRun[] = [];
    for (const [id, run] of this.#runs) {
      if (!isTaken(run)) continue;
      this.#runs.delete(id);
      taken.push(run);
    }
    return taken;
  }
}
