import type { Clock } from "../../shared/clock.ts";
import type { RunEvent } from "../../shared/contracts/run-events.ts";
import { errorMessage, errorType } from "../../shared/errors.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import type { Log } from "../../shared/log.ts";
import type { RecordStore, VersionedRecord } from "./mongo-records.ts";
import { evolve, isOpen, type RecordedEvent } from "./record.ts";

export interface ReaperOptions {
  readonly store: EventStore;
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly everyMs: number;
}

/** Declares runs lost that nobody can be working on any more, so that each ends with a record. */
export interface Reaper {
  start(): void;
  stop(): Promise<void>;
}

const PAGE = 500;

export function createReaper({ store, records, clock, log, everyMs }: ReaperOptions): Reaper {
  let timer: NodeJS.Timeout | undefined;
  let round: Promise<void> = Promise.resolve();
  let isStopped = false;

  async function reap(): Promise<void> {
    for (const lost of await records.overdue(clock.now(), PAGE)) {
      if (isStopped) return;
      await declareLost(lost);
    }
  }

  /** A sign of life, or another node's verdict, that comes first wins. */
  async function declareLost({ record: { runId, taskId }, version }: VersionedRecord): Promise<void> {
    try {
      const isLost = await store.transact(async (transaction) => {
        const current = (await records.load(transaction.session, [runId])).get(runId);
        if (current?.version !== version || !isOpen(current.record)) return false;
        const stream = `run-${runId}`;
        const events = [lostEvent(current.record, clock.now())];
        const [said] = transaction.append({ stream, expectedVersion: version, events });
        const after = evolve(current.record, said as RecordedEvent);
        await records.write(transaction.session, [{ record: after, version: version + 1, isNew: false }]);
        return true;
      });
      if (isLost) log.warn({ runId, taskId }, "a run is lost: nobody is working on it");
    } catch (error) {
      if (errorType(error) !== "STREAM_CONFLICT") throw error;
    }
  }

  function next(): void {
    if (isStopped) return;
    timer = setTimeout(() => {
      round = reap()
        .catch((error: unknown) =>
          log.warn({ reason: errorMessage(error) }, "lost runs cannot be looked for"),
        )
        .finally(next);
    }, everyMs);
  }

  return {
    start: next,
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await round;
    },
  };
}

function lostEvent(
  { runId, taskId, plannedAt, attempts, updatedAt }: VersionedRecord["record"],
  now: number,
) {
  return {
    type: "run.lost",
    data: {
      runId,
      taskId,
      attempt: Math.max(1, attempts.length),
      plannedAt,
      lostAt: new Date(now).toISOString(),
      reason: `no sign of life since ${updatedAt}`,
    },
  } satisfies RunEvent;
}
