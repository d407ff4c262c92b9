import type { Clock } from "../../shared/clock.ts";
import type { RunEvent } from "../../shared/contracts/run-events.ts";
import { errorType } from "../../shared/errors.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import type { Log } from "../../shared/log.ts";
import { createRounds, type Rounds } from "../../shared/rounds.ts";
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
export type Reaper = Rounds;

const PAGE = 500;

export function createReaper({ store, records, clock, log, everyMs }: ReaperOptions): Reaper {
  async function reap(stopping: AbortSignal): Promise<void> {
    for (const lost of await records.overdue(clock.now(), PAGE)) {
      if (stopping.aborted) return;
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

  return createRounds({ everyMs, work: reap, log, failure: "lost runs cannot be looked for" });
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
