import { type Collection, ObjectId } from "mongodb";
import { type EventDocument, fromEventDocument } from "../../../shared/event-store/event-document.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import type { WrittenEvent } from "../../../shared/event-store/mongo-unsent-events.ts";
import { eventIdAt } from "../../../shared/ids.ts";
import type { RecordedEvent } from "./record.ts";

/** An event of a task that starts a record: `task.due` dispatches a run, `task.skipped` skips occurrences. */
export interface SourceEvent extends WrittenEvent {
  readonly type: "task.due" | "task.skipped";
  readonly recordId: string;
  /** The attempt that was dispatched; 1 for a skip. */
  readonly attempt: number;
}

export interface RunOfTask {
  readonly taskId: string;
  readonly runId: string;
}

/** The tasks' events that start records. Every method rejects with `STORE_UNAVAILABLE`. */
export interface SourceEvents {
  /** The newest ones before an event id; the newest of all if it is null. */
  before(id: string | null, limit: number): Promise<readonly SourceEvent[]>;
  /** The `task.due` events of these runs; purged ones are left out. */
  ofRuns(runs: readonly RunOfTask[]): Promise<readonly SourceEvent[]>;
  /** The `task.due` of a run whose id has the time of its dispatch, or its planned time, if that is recent. */
  justDispatched(runId: string): Promise<RecordedEvent | null>;
  /** The events with their data; purged ones are left out. */
  read(ids: readonly string[]): Promise<readonly RecordedEvent[]>;
}

const FIELDS = { writer: 1, type: 1, "data.runId": 1, "data.skipId": 1, "data.attempt": 1 } as const;
/** Streams that are searched at the same time. */
const SEARCHES = 8;
/** A run is dispatched shortly before the time in its id, or up to this long after it when "run now" takes long. */
const EARLY_MS = 2000;
const LATE_MS = 30_000;

export function mongoSourceEvents(events: Collection<EventDocument>): SourceEvents {
  /** Searches from the newest event backwards: the run was dispatched recently. */
  async function ofRun({ taskId, runId }: RunOfTask): Promise<SourceEvent | null> {
    const query = { stream: `task-${taskId}`, type: "task.due", "data.runId": runId };
    const found = await withStoreErrors(events.findOne(query, { sort: { version: -1 }, projection: FIELDS }));
    return found && sourceEvent(found);
  }

  return {
    async before(id, limit) {
      const types = { type: { $in: ["task.due", "task.skipped"] } };
      const query = id === null ? types : { _id: { $lt: id }, ...types };
      const options = { sort: { _id: -1 }, limit, batchSize: limit, projection: FIELDS } as const;
      return (await withStoreErrors(events.find(query, options).toArray())).map(sourceEvent);
    },

    async ofRuns(runs) {
      const waiting = [...runs];
      const found: SourceEvent[] = [];
      const search = async () => {
        for (let run = waiting.pop(); run; run = waiting.pop()) {
          const event = await ofRun(run);
          if (event) found.push(event);
        }
      };
      await Promise.all(Array.from({ length: SEARCHES }, search));
      return found;
    },

    async justDispatched(runId) {
      const at = new ObjectId(runId).getTimestamp().getTime();
      const range = { $gte: eventIdAt(at - EARLY_MS), $lt: eventIdAt(at + LATE_MS) };
      const query = { _id: range, type: "task.due", "data.runId": runId };
      const found = await withStoreErrors(events.findOne(query, { sort: { _id: 1 } }));
      return found && recordedEvent(found);
    },

    async read(ids) {
      const found = await withStoreErrors(
        events.find({ _id: { $in: [...ids] } }, { sort: { _id: 1 } }).toArray(),
      );
      return found.map(recordedEvent);
    },
  };
}

const recordedEvent = (document: EventDocument) => fromEventDocument(document) as RecordedEvent;

function sourceEvent({ _id, type, writer = "", data }: EventDocument): SourceEvent {
  const { runId, skipId, attempt = 1 } = data as { runId?: string; skipId?: string; attempt?: number };
  const recordId = (runId ?? skipId) as string;
  return { id: _id, type: type as SourceEvent["type"], writer, recordId, attempt };
}
