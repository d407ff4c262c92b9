import type { Clock } from "../../../shared/clock.ts";
import type { RunEvent } from "../../../shared/contracts/run-events.ts";
import { errorType } from "../../../shared/errors.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import type { Log } from "../../../shared/log.ts";
import type { RecordStore, VersionedRecord } from "../record/mongo-records.ts";
import { evolve, isOpen, type RecordedEvent } from "../record/record.ts";

export interface DeclareLostDeps {
  readonly store: EventStore;
  readonly records: RecordStore;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Ends an open run as `lost`, unless anything was recorded of it since the record was read: a sign of life, or another
 * node's verdict, that comes first wins. Error: `STORE_UNAVAILABLE`.
 */
export type DeclareLost = (seen: VersionedRecord, reason: string) => Promise<void>;

export function declareLost({ store, records, clock, log }: DeclareLostDeps): DeclareLost {
  return async ({ record: { runId, taskId }, version }, reason) => {
    try {
      const isLost = await store.transact(async (transaction) => {
        const current = (await records.load(transaction.session, [runId])).get(runId);
        if (current?.version !== version || !isOpen(current.record)) return false;
        const events = [lostEvent(current.record, { reason, now: clock.now() })];
        const [said] = transaction.append({ stream: `run-${runId}`, expectedVersion: version, events });
        const after = evolve(current.record, said as RecordedEvent);
        await records.write(transaction.session, [{ record: after, version: version + 1, isNew: false }]);
        return true;
      });
      if (isLost) log.warn({ runId, taskId, reason }, "a run is lost");
    } catch (error) {
      if (errorType(error) !== "STREAM_CONFLICT") throw error;
    }
  };
}

function lostEvent(
  { runId, taskId, plannedAt, attempts }: VersionedRecord["record"],
  { reason, now }: { reason: string; now: number },
) {
  return {
    type: "run.lost",
    data: {
      runId,
      taskId,
      attempt: Math.max(1, attempts.length),
      plannedAt,
      lostAt: new Date(now).toISOString(),
      reason,
    },
  } satisfies RunEvent;
}
