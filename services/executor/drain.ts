import { Requeue } from "../../shared/bus/bus.ts";
import type { Log } from "../../shared/log.ts";
import { ABORT_GRACE_MS } from "./attempt/run-attempt.ts";
import type { RunEventSink } from "./attempt/run-event-sink.ts";
import type { HeldRun } from "./held-run.ts";
import type { StartQueue } from "./start/start-queue.ts";

export interface Draining {
  readonly inHand: ReadonlyMap<string, HeldRun>;
  readonly queue: StartQueue<HeldRun>;
  readonly sink: RunEventSink;
  readonly logger: Log;
  readonly drainMs: number;
  failed(run: HeldRun, error: unknown): void;
}

/**
 * Empties an executor within `drainMs`: what has not begun goes back to the group at once; what runs may end; what
 * still runs near the limit is aborted, with a tenth of the time (2 s at most) to settle, and goes back at the limit.
 */
export function drain({ inHand, queue, sink, logger, drainMs, failed }: Draining): void {
  for (const run of queue.dropAll()) failed(run, new Requeue("the executor stops"));
  const grace = Math.min(ABORT_GRACE_MS, drainMs / 10);
  const abort = (): void => {
    if (inHand.size > 0)
      logger.warn({ runs: inHand.size }, "runs have not ended in time: aborted and requeued");
    for (const { attempt } of inHand.values()) attempt?.stop();
    setTimeout(giveUp, grace).unref();
  };
  const giveUp = (): void => {
    for (const run of inHand.values()) run.attempt?.requeue();
    sink.close();
  };
  setTimeout(abort, drainMs - grace).unref();
}
