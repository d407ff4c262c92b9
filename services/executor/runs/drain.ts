import { Requeue } from "../../../shared/bus/bus.ts";
import type { Log } from "../../../shared/log.ts";
import { ABORT_GRACE_MS } from "../attempt/attempt-state.ts";
import type { RunEventSink } from "../attempt/run-event-sink.ts";
import type { StartQueue } from "../start/start-queue.ts";
import type { RunInFlight } from "./run-in-flight.ts";
import type { RunsInFlight } from "./runs-in-flight.ts";

export interface DrainDeps {
  readonly runs: RunsInFlight;
  readonly queue: StartQueue<RunInFlight>;
  readonly sink: RunEventSink;
  readonly logger: Log;
  readonly drainMs: number;
}

/**
 * Empties an executor within `drainMs`: runs that have not started are requeued at once, and started runs may end.
 * Shortly before the limit (a tenth of it, at most 2 s) handlers that still run are aborted; at the limit their runs
 * are requeued.
 */
export function drain({ runs, queue, sink, logger, drainMs }: DrainDeps): void {
  for (const run of queue.dropAll()) runs.fail(run, new Requeue("the executor stops"));
  const grace = Math.min(ABORT_GRACE_MS, drainMs / 10);
  const abort = (): void => {
    if (runs.size > 0)
      logger.warn({ runs: runs.size }, "runs have not ended in time: aborting and requeuing them");
    for (const { attempt } of runs.all()) attempt?.stop();
    setTimeout(requeue, grace).unref();
  };
  const requeue = (): void => {
    for (const { attempt } of runs.all()) attempt?.requeue();
    sink.close();
  };
  setTimeout(abort, drainMs - grace).unref();
}
