import type { Bus } from "../../../shared/bus/bus.ts";
import type { Log } from "../../../shared/log.ts";
import { createPeriodicJob, type PeriodicJob } from "../../../shared/periodic-job.ts";
import type { SourceEvents } from "../record/mongo-source-events.ts";
import type { LostRuns } from "./lost-runs.ts";

/** Stores which bus the records were last compared with. */
export interface KnownBus {
  /** Null if there was none. Both methods reject with `STORE_UNAVAILABLE`. */
  read(): Promise<string | null>;
  write(identity: string): Promise<void>;
}

export interface BusWatchOptions {
  readonly bus: Pick<Bus, "identity">;
  readonly known: KnownBus;
  readonly sources: Pick<SourceEvents, "before">;
  readonly lost: Pick<LostRuns, "reconcile">;
  readonly log: Log;
  readonly everyMs?: number;
}

const PAGE = 1000;
const EVERY_MS = 5000;

/**
 * Detects that the bus is not the one that this database was used with: the database was restored from a copy, or the
 * bus lost its store. Then every dispatched run and every skip, the newest first, is compared with the records.
 */
export function createBusWatch(options: BusWatchOptions): PeriodicJob {
  const { bus, known, sources, lost, log, everyMs = EVERY_MS } = options;
  let checked: string | null = null;
  let checking: Checking | undefined;

  async function check(stopping: AbortSignal): Promise<void> {
    const identity = await bus.identity();
    checked ??= await known.read();
    if (identity === checked) return;
    if (checking?.identity !== identity) {
      checking = { identity, before: null };
      if (checked !== null) log.warn({ identity, checked }, "the bus has lost its events, or is another one");
    }
    if (!(await reconcileAll(checking, stopping))) return;
    await known.write(identity);
    checked = identity;
  }

  /** Continues where an earlier attempt failed. Returns false if it was stopped. */
  async function reconcileAll(at: Checking, stopping: AbortSignal): Promise<boolean> {
    for (;;) {
      const page = await sources.before(at.before, PAGE);
      await lost.reconcile(page);
      const last = page.at(-1);
      if (!last) return true;
      at.before = last.id;
      if (stopping.aborted) return false;
    }
  }

  return createPeriodicJob({ everyMs, work: check, log, failure: "lost runs cannot be looked for yet" });
}

/** A comparison under way. */
interface Checking {
  readonly identity: string;
  /** Source events from this id on have been compared; null: none. */
  before: string | null;
}
