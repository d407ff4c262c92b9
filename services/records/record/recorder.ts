import type { Clock } from "../../../shared/clock.ts";
import { errorType } from "../../../shared/errors.ts";
import { createBatchLanes, type LaneItem } from "../../../shared/event-store/batch-lanes.ts";
import type { EventStore, Transaction } from "../../../shared/event-store/event-store.ts";
import type { RecordStore, VersionedRecord } from "./mongo-records.ts";
import { evolve, isKnown, type RecordedEvent, recordIdOf } from "./record.ts";

/**
 * Writes down what happened. Events that arrive while a transaction is under way go into the next one together. An
 * order (`task.due`) waits until its run says something, or a little beyond its planned time: a short run is then
 * written once instead of twice. It is not acknowledged meanwhile, so nothing depends on this memory.
 */
export interface Recorder {
  /** Resolves when the events are recorded durably; each at most once, however often it comes. */
  record(events: readonly RecordedEvent[], options: { mayBeKnown: boolean }): Promise<void>;
  /** Records what waits and no longer lets anything wait. */
  flush(): Promise<void>;
}

export interface RecorderOptions {
  readonly store: EventStore;
  readonly records: RecordStore;
  readonly clock: Clock;
  /** Records of one transaction. */
  readonly maxBatch: number;
  /** Called for each new record once it is stored. */
  readonly onAdded?: (taskId: string) => void;
}

interface Part extends LaneItem {
  readonly events: readonly RecordedEvent[];
  readonly mayBeKnown: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface HeldOrder extends Pick<Part, "resolve" | "reject"> {
  readonly event: RecordedEvent;
  /** From here it counts how long it waits: its planned time, or its arrival where that is later. */
  readonly from: number;
}

/** How long an order waits to be written with what its run says. */
const HOLD_MS = 400;
/** So many orders wait where runs queue up for a place to execute: writing them twice would hold up everybody. */
const CROWD = 1000;
const HOLD_IN_CROWD_MS = 5000;
const SWEEP_MS = 100;
const CONFLICT_TRIES = 5;
/** While one transaction waits for the store, the next one is prepared. */
const LANES = 2;

export function createRecorder(options: RecorderOptions): Recorder {
  const { store, records, clock, maxBatch, onAdded = () => {} } = options;
  const held = new Map<string, HeldOrder>();
  let isFlushing = false;
  let sweeper: NodeJS.Timeout | undefined;
  const lanes = createBatchLanes<Part>({
    lanes: LANES,
    maxKeys: maxBatch,
    work: (parts) =>
      settle(
        parts,
        parts.some(({ mayBeKnown }) => mayBeKnown),
      ),
  });

  /** What fails together is tried part by part, so that each caller hears of its own fault only. */
  async function settle(parts: readonly Part[], mayBeKnown: boolean): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await write(
          parts.flatMap(({ events }) => events),
          mayBeKnown || tries > 1,
        );
        for (const { resolve } of parts) resolve();
        return;
      } catch (error) {
        if (errorType(error) === "STREAM_CONFLICT" && tries < CONFLICT_TRIES) continue;
        if (parts.length > 1 && errorType(error) !== "STORE_UNAVAILABLE") {
          for (const part of parts) await settle([part], true);
        } else for (const { reject } of parts) reject(error);
        return;
      }
    }
  }

  async function write(events: readonly RecordedEvent[], mayBeKnown: boolean): Promise<void> {
    const added = await store.transact(async (transaction) => {
      const isStored = mayBeKnown ? await transaction.stored(events.map(({ id }) => id)) : () => false;
      const fresh = events.filter((event) => event.type.startsWith("task.") || !isStored(event.id));
      if (fresh.length === 0) return [];
      const before = await records.load(transaction.session, idsToLoad(fresh, mayBeKnown));
      const after = foldAll(fresh, before, transaction);
      const changes = [...after].map(([id, state]) => ({ ...state, isNew: !before.has(id) }));
      await records.write(transaction.session, changes);
      return changes.filter(({ isNew }) => isNew);
    });
    for (const { record } of added) onAdded(record.taskId);
  }

  function hold(event: RecordedEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      const from = Math.max(clock.now(), Date.parse(event.data.plannedAt));
      held.set(recordIdOf(event), { event, from, resolve, reject });
      sweeper ??= setInterval(sweep, SWEEP_MS);
    });
  }

  function sweep(): void {
    const before = clock.now() - (held.size > CROWD ? HOLD_IN_CROWD_MS : HOLD_MS);
    for (const [runId, { event, from, ...rest }] of held) {
      if (from > before && !isFlushing) continue;
      held.delete(runId);
      lanes.add(partOf([event], { mayBeKnown: false, ...rest }));
    }
    if (held.size > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
  }

  /** Takes the orders that wait for one of these events: they go ahead of them, in the same part. */
  function ordersOf(events: readonly RecordedEvent[]): HeldOrder[] {
    const orders: HeldOrder[] = [];
    for (const event of events) {
      const id = recordIdOf(event);
      const order = held.get(id);
      if (!order) continue;
      held.delete(id);
      orders.push(order);
    }
    return orders;
  }

  function add(events: readonly RecordedEvent[], mayBeKnown: boolean): Promise<void> {
    const orders = ordersOf(events);
    const all = orders.length === 0 ? events : [...orders.map(({ event }) => event), ...events];
    const stored = new Promise<void>((resolve, reject) => {
      lanes.add(partOf(all, { mayBeKnown, resolve, reject }));
    });
    stored.then(
      () => {
        for (const { resolve } of orders) resolve();
      },
      (error: unknown) => {
        for (const { reject } of orders) reject(error);
      },
    );
    return stored;
  }

  return {
    async record(events, { mayBeKnown }) {
      const canWait = (event: RecordedEvent) =>
        !mayBeKnown && !isFlushing && event.type === "task.due" && !held.has(recordIdOf(event));
      const waits: Promise<void>[] = [];
      const others: RecordedEvent[] = [];
      for (const event of events) {
        if (canWait(event)) waits.push(hold(event));
        else others.push(event);
      }
      if (others.length > 0) waits.push(add(others, mayBeKnown));
      await Promise.all(waits);
    },

    async flush() {
      isFlushing = true;
      sweep();
      await lanes.idle();
    },
  };
}

function partOf(events: readonly RecordedEvent[], rest: Omit<Part, "events" | "keys">): Part {
  return { events, keys: [...new Set(events.map(recordIdOf))], ...rest };
}

/**
 * Records that may exist. One whose order comes with this batch for the first time does not; should another node
 * have begun it all the same, the insert conflicts, and the next try loads everything.
 */
function idsToLoad(events: readonly RecordedEvent[], mayBeKnown: boolean): readonly string[] {
  const ids = new Set(events.map(recordIdOf));
  if (!mayBeKnown)
    for (const event of events) if (event.type.startsWith("task.")) ids.delete(recordIdOf(event));
  return [...ids];
}

/** Folds events into their records in order, and keeps the runs' own events on their streams. */
function foldAll(
  events: readonly RecordedEvent[],
  before: ReadonlyMap<string, VersionedRecord>,
  transaction: Transaction,
): Map<string, VersionedRecord> {
  const after = new Map<string, VersionedRecord>();
  for (const event of events) {
    const id = recordIdOf(event);
    const state = after.get(id) ?? before.get(id);
    if (isKnown(state?.record ?? null, event)) continue;
    let version = state?.version ?? 0;
    if (event.type.startsWith("run.")) {
      transaction.keep(`run-${id}`, version, [event]);
      version += 1;
    }
    after.set(id, { record: evolve(state?.record ?? null, event), version });
  }
  return after;
}
