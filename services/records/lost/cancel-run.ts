import type { Bus } from "../../../shared/bus/bus.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { ActionParams } from "../../../shared/contracts/actions.ts";
import type { Cancellation } from "../../../shared/contracts/run-events.ts";
import { AppError } from "../../../shared/errors.ts";
import type { RecordStore } from "../record/mongo-records.ts";
import type { SourceEvents } from "../record/mongo-source-events.ts";
import type { Recorder } from "../record/recorder.ts";
import type { RunCommandHandler } from "../record/run-command-handler.ts";

export interface CancelRunDeps {
  readonly bus: Pick<Bus, "hasCaughtUp">;
  readonly sources: Pick<SourceEvents, "read" | "ofRuns">;
  readonly records: Pick<RecordStore, "recorded">;
  readonly recorder: Pick<Recorder, "record">;
  readonly handler: Pick<RunCommandHandler, "handle">;
  readonly clock: Clock;
  /** Name of this process in the event. */
  readonly node: string;
}

/**
 * Ends a run that no executor has as cancelled, unless it has an outcome, also one that is still on the bus. Without a
 * cancellation, only a run that waits for a retry is ended.
 *
 * @throws retryable errors while outcomes wait to be recorded, or the store is not available
 */
export type CancelRun = (
  run: ActionParams<"records.withdraw">,
  cancellation: Cancellation | null,
) => Promise<void>;

/** An outcome of the run may be among the events that wait to be recorded. */
class OutcomeUnknown extends AppError {
  constructor() {
    super("It is not known whether the run has ended: outcomes of runs wait to be recorded", {
      type: "WHEREABOUTS_UNKNOWN",
    });
  }
}

const CATCH_UP_LIMIT_MS = 2000;

export function cancelRun(deps: CancelRunDeps): CancelRun {
  const { bus, sources, records, recorder, handler, clock, node } = deps;

  async function recordIfMissing(run: { taskId: string; runId: string }): Promise<void> {
    if ((await records.recorded([run.runId])).has(run.runId)) return;
    const [source] = await sources.ofRuns([run]);
    if (source) await recorder.record(await sources.read([source.id]), { isRedelivered: true });
  }

  return async ({ taskId, runId }, cancellation) => {
    await recordIfMissing({ taskId, runId });
    if (!(await bus.hasCaughtUp("records", "run.*", CATCH_UP_LIMIT_MS))) throw new OutcomeUnknown();
    const command = { type: "cancel", cancellation, node, now: clock.now() } as const;
    await handler.handle({ id: runId, command });
  };
}
