import type { Clock } from "../../../shared/clock.ts";
import type { Submission } from "../../../shared/event-store/decide-batch.ts";
import { type RecordedEvent, recordIdOf } from "./record.ts";
import type { RunCommand } from "./run.ts";
import type { RunCommandHandler } from "./run-command-handler.ts";
import { type WaitingRun, WaitingRuns } from "./waiting-runs.ts";

/**
 * Records what happened to runs. `task.due` waits for the first events of its run, or until shortly after the planned
 * time, so that a short run is written once instead of twice. It is not acknowledged meanwhile, so nothing is lost with
 * this process.
 */
export interface Recorder {
  /**
   * Resolves when the events are recorded durably; each is recorded once, however often it is delivered.
   *
   * @throws `STORE_UNAVAILABLE`, `STREAM_CONFLICT` (both retryable); any error that an event of this call causes
   */
  record(events: readonly RecordedEvent[], delivery: RecordedDelivery): Promise<void>;
  /** Records the waiting runs; from here on no event waits. */
  flush(): Promise<void>;
}

export interface RecordedDelivery {
  /** The events may have been delivered and recorded before. */
  readonly isRedelivered: boolean;
}

export interface RecorderOptions {
  readonly handler: RunCommandHandler;
  readonly clock: Clock;
}

const SWEEP_MS = 100;

export function createRecorder({ handler, clock }: RecorderOptions): Recorder {
  const waiting = new WaitingRuns();
  let state: "waiting" | "flushed" = "waiting";
  let sweeper: NodeJS.Timeout | undefined;

  function sweep(): void {
    for (const run of state === "flushed" ? waiting.takeAll() : waiting.takeExpired(clock.now()))
      void write([run], []);
    if (waiting.size > 0) return;
    clearInterval(sweeper);
    sweeper = undefined;
  }

  /** Writes events after the `task.due` of their runs, in one transaction. */
  async function write(
    runs: readonly WaitingRun[],
    events: readonly Submission<RunCommand>[],
  ): Promise<void> {
    const dues = runs.map(({ event }) => submissionOf(event, { isRedelivered: false }));
    try {
      await handler.handleAll(dues.length > 0 ? [...dues, ...events] : events);
      for (const { recorded } of runs) recorded.resolve();
    } catch (error) {
      for (const { recorded } of runs) recorded.reject(error);
      if (events.length > 0) throw error;
    }
  }

  function wait(event: RecordedEvent): Promise<void> {
    sweeper ??= setInterval(sweep, SWEEP_MS);
    return waiting.add(event, clock.now());
  }

  return {
    async record(events, delivery) {
      const canWait = (event: RecordedEvent) =>
        state === "waiting" && !delivery.isRedelivered && isFirstDispatch(event) && !waiting.has(event);
      const written: Promise<void>[] = [];
      const others: RecordedEvent[] = [];
      for (const event of events) {
        if (canWait(event)) written.push(wait(event));
        else others.push(event);
      }
      if (others.length > 0) {
        const submissions = others.map((event) => submissionOf(event, delivery));
        written.push(write(waiting.takeFor(others, clock.now()), submissions));
      }
      await Promise.all(written);
    },

    async flush() {
      state = "flushed";
      sweep();
      await handler.idle();
    },
  };
}

/**
 * An event of a run is known by its id among the stored events. `task.due` and `task.skipped` are stored on the task's
 * stream before they are recorded; whether they are recorded is visible in the record.
 */
function submissionOf(event: RecordedEvent, { isRedelivered }: RecordedDelivery): Submission<RunCommand> {
  const isOfRun = event.type.startsWith("run.");
  return {
    id: recordIdOf(event),
    command: { type: "record", event },
    ref: isOfRun ? { id: event.id, deadline: Number.POSITIVE_INFINITY } : null,
    isFirst: !isRedelivered,
    startsStream: !isRedelivered && (event.type === "task.skipped" || isFirstDispatch(event)),
  };
}

/** The dispatch of a later attempt changes no record. */
function isFirstDispatch(event: RecordedEvent): boolean {
  return event.type === "task.due" && event.data.attempt === 1;
}
