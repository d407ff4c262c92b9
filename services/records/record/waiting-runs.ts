import { type RecordedEvent, recordIdOf } from "./record.ts";

/** A dispatched run that is not recorded yet. */
export interface WaitingRun {
  readonly event: RecordedEvent;
  /** The wait is counted from here (ms): from the planned time, or from the arrival if that is later. */
  readonly from: number;
  /** Resolves when the run is recorded. */
  readonly recorded: PromiseWithResolvers<void>;
}

/** How long `task.due` waits to be written together with the first events of its run. */
export const WAIT_MS = 400;
/** More waiting runs than this mean that the executors are saturated: writing each record twice would delay all. */
export const BACKLOG = 1000;
export const WAIT_IN_BACKLOG_MS = 5000;

/** Dispatched runs that wait for their first events, so that a short run is written once instead of twice. */
export class WaitingRuns {
  readonly #runs = new Map<string, WaitingRun>();

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
  takeFor(events: readonly RecordedEvent[]): WaitingRun[] {
    const taken: WaitingRun[] = [];
    for (const event of events) {
      const id = recordIdOf(event);
      const run = this.#runs.get(id);
      if (!run) continue;
      this.#runs.delete(id);
      taken.push(run);
    }
    return taken;
  }

  /** Removes and returns the runs that have waited long enough. */
  takeExpired(now: number): WaitingRun[] {
    const until = now - (this.size > BACKLOG ? WAIT_IN_BACKLOG_MS : WAIT_MS);
    return this.#take(({ from }) => from <= until);
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
