import { type Collection, ObjectId } from "mongodb";
import { type EventDocument, fromEventDocument } from "../../../shared/event-store/event-document.ts";
import { asked } from "../../../shared/event-store/store-errors.ts";
import { eventIdAt } from "../../../shared/ids.ts";
import type { OrderedRun } from "../lost/run-whereabouts.ts";
import type { RecordedEvent } from "./record.ts";

/** An event that makes a record: the order of a run, or a skip. */
export interface Order extends OrderedRun {
  readonly type: "task.due" | "task.skipped";
}

export interface RunOfTask {
  readonly taskId: string;
  readonly runId: string;
}

/** The tasks' events that make records. All reject with `STORE_UNAVAILABLE`. */
export interface OrderStore {
  /** The newest ones before an event's id; before all where it is null. */
  before(id: string | null, limit: number): Promise<readonly Order[]>;
  /** The orders of these runs, as far as they are not forgotten. */
  ofRuns(runs: readonly RunOfTask[]): Promise<readonly Order[]>;
  /** The order of a run that was called for at the time in its id, or planned for it, a short while ago. */
  justOrdered(runId: string): Promise<RecordedEvent | null>;
  /** The events themselves, as far as they are not forgotten. */
  read(ids: readonly string[]): Promise<readonly RecordedEvent[]>;
}

const FIELDS = { writer: 1, type: 1, "data.runId": 1, "data.skipId": 1 } as const;
/** Streams that are searched at the same time. */
const SEARCHES = 8;
/** An order is written a little before its run's time, which is that in the run's id; or after a call that took long. */
const EARLY_MS = 2000;
const LATE_MS = 30_000;

export function mongoOrders(events: Collection<EventDocument>): OrderStore {
  /** The newest come first: what is asked for was ordered a short while ago. */
  async function ofRun({ taskId, runId }: RunOfTask): Promise<Order | null> {
    const query = { stream: `task-${taskId}`, type: "task.due", "data.runId": runId };
    const found = await asked(events.findOne(query, { sort: { version: -1 }, projection: FIELDS }));
    return found && orderOf(found);
  }

  return {
    async before(id, limit) {
      const types = { type: { $in: ["task.due", "task.skipped"] } };
      const query = id === null ? types : { _id: { $lt: id }, ...types };
      const options = { sort: { _id: -1 }, limit, batchSize: limit, projection: FIELDS } as const;
      return (await asked(events.find(query, options).toArray())).map(orderOf);
    },

    async ofRuns(runs) {
      const waiting = [...runs];
      const found: Order[] = [];
      const search = async () => {
        for (let run = waiting.pop(); run; run = waiting.pop()) {
          const order = await ofRun(run);
          if (order) found.push(order);
        }
      };
      await Promise.all(Array.from({ length: SEARCHES }, search));
      return found;
    },

    async justOrdered(runId) {
      const at = new ObjectId(runId).getTimestamp().getTime();
      const range = { $gte: eventIdAt(at - EARLY_MS), $lt: eventIdAt(at + LATE_MS) };
      const query = { _id: range, type: "task.due", "data.runId": runId };
      const found = await asked(events.findOne(query, { sort: { _id: 1 } }));
      return found && recordedEvent(found);
    },

    async read(ids) {
      const found = await asked(events.find({ _id: { $in: [...ids] } }, { sort: { _id: 1 } }).toArray());
      return found.map(recordedEvent);
    },
  };
}

const recordedEvent = (document: EventDocument) => fromEventDocument(document) as unknown as RecordedEvent;

function orderOf({ _id, type, writer = "", data }: EventDocument): Order {
  const { runId, skipId } = data as { runId?: string; skipId?: string };
  return { id: _id, type: type as Order["type"], writer, recordId: (runId ?? skipId) as string };
}
