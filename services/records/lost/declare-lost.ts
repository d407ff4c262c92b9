import type { Clock } from "../../../shared/clock.ts";
import type { Versioned } from "../../../shared/event-store/decide-batch.ts";
import type { Log } from "../../../shared/log.ts";
import type { Metrics } from "../../../shared/monitoring/metrics.ts";
import type { RunRecord } from "../record/record.ts";
import type { RunCommandHandler } from "../record/run-command-handler.ts";

export interface DeclareLostDeps {
  readonly handler: Pick<RunCommandHandler, "handle">;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics?: Pick<Metrics, "runEnded">;
}

/**
 * Ends an open run as `lost`, unless an event of it was recorded after the record was read.
 *
 * @throws `STORE_UNAVAILABLE`, `STREAM_CONFLICT`, `OUTBOX_FULL`; all are retryable
 */
export type DeclareLost = (seen: Versioned<RunRecord>, reason: string) => Promise<void>;

export function declareLost({ handler, clock, log, metrics }: DeclareLostDeps): DeclareLost {
  return async ({ state: { runId, taskId, described }, version: expectedVersion }, reason) => {
    const command = { type: "declareLost", reason, now: clock.now() } as const;
    const { changed } = await handler.handle({ id: runId, command, expectedVersion });
    if (!changed) return;
    metrics?.runEnded({ handler: described?.handler ?? "unknown", outcome: "lost" });
    log.warn({ runId, taskId, reason }, "a run is lost");
  };
}
