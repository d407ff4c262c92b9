import type { Bus } from "../../../shared/bus/bus.ts";
import type { Log } from "../../../shared/log.ts";
import { createPeriodicJob, type PeriodicJob } from "../../../shared/periodic-job.ts";
import type { OrderStore } from "../record/mongo-orders.ts";
import type { LostRuns } from "./lost-runs.ts";

/** Remembers which bus the records were compared with last. */
export interface KnownBus {
  /** Null where none was. Both reject with `STORE_UNAVAILABLE`. */
  read(): Promise<string | null>;
  write(identity: string): Promise<void>;
}

export interface BusWatchOptions {
  readonly bus: Pick<Bus, "identity">;
  readonly known: KnownBus;
  readonly orders: Pick<OrderStore, "before">;
  readonly lost: Pick<LostRuns, "settle">;
  readonly log: Log;
  readonly everyMs?: number;
}

const PAGE = 1000;
const EVERY_MS = 5000;

/**
 * Notices that the bus is not the one that this database was used with: the database was restored from a copy, or the
 * bus lost its store. Then every order there is, the newest first, is compared with the records and settled.
 */
export function createBusWatch(options: BusWatchOptions): PeriodicJob {
  const { bus, known, orders, lost, log, everyMs = EVERY_MS } = options;
  let checked: string | null = null;
  let checking: { readonly identity: string; place: string | null } | undefined;

  async function look(stopping: AbortSignal): Promise<void> {
    const identity = await bus.identity();
    checked ??= await known.read();
    if (identity === checked) return;
    if (checking?.identity !== identity) {
      checking = { identity, place: null };
      if (checked !== null) log.warn({ identity, checked }, "the bus has lost its events, or is another one");
    }
    if (!(await settleAll(checking, stopping))) return;
    await known.write(identity);
    checked = identity;
  }

  /** Goes on where an earlier round failed; answers false when it was stopped. */
  async function settleAll(at: { place: string | null }, stopping: AbortSignal): Promise<boolean> {
    for (;;) {
      const page = await orders.before(at.place, PAGE);
      await lost.settle(page);
      const last = page.at(-1);
      if (!last) return true;
      at.place = last.id;
      if (stopping.aborted) return false;
    }
  }

  return createPeriodicJob({ everyMs, work: look, log, failure: "lost runs cannot be looked for yet" });
}
