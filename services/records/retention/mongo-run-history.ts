import { type Collection, ObjectId } from "mongodb";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { sessionOf } from "../../../shared/event-store/mongo-transaction.ts";
import type { RecordDocument } from "../record/record-document.ts";

/** A run that has ended, or a skip. */
export interface EndedRun {
  readonly id: string;
  readonly taskId: string;
  /** False for records of the Python original. */
  readonly hasEvents: boolean;
  /** The run was dispatched more than once. */
  readonly isRetried: boolean;
}

/** The history of runs and skips as retention needs it: which of them may be purged, and how. */
export interface RunHistory {
  /** Those that were first recorded before an instant, the oldest first. */
  recordedBefore(instant: number): AsyncIterable<EndedRun>;
  /** Those of a task beyond its newest `keep` records that were recorded before an instant. */
  beyond(taskId: string, limits: { keep: number; before: number }): AsyncIterable<EndedRun>;
  /** Tasks with more records than `keep`. */
  tasksBeyond(keep: number): Promise<readonly string[]>;
  /**
   * Ids of the runs and skips that the state of a task depends on: its last planned time and its next one follow from
   * their events. Empty for a deleted task.
   */
  anchorsOf(taskId: string): Promise<ReadonlySet<string>>;
  /**
   * Deletes the records, their source events and the runs' own streams in one transaction.
   *
   * @throws `STORE_UNAVAILABLE`
   */
  purge(entries: readonly EndedRun[]): Promise<void>;
}

export interface MongoRunHistoryOptions {
  readonly store: EventStore;
  readonly records: Collection<RecordDocument>;
  readonly events: Collection<EventDocument>;
}

const SOURCES = { $in: ["task.due", "task.skipped"] };
const FIELDS = { task_id: 1, version: 1, retry_datetime: 1, open_until: 1, create_datetime: 1 } as const;

export function mongoRunHistory({ store, records, events }: MongoRunHistoryOptions): RunHistory {
  /** Ids of the source events, searched from the beginning of the task's stream, where the oldest are. */
  async function sourcesOf(taskId: string, runs: readonly EndedRun[]): Promise<string[]> {
    const ids = runs.map(({ id }) => id);
    const query = {
      stream: `task-${taskId}`,
      type: SOURCES,
      $or: [{ "data.runId": { $in: [...ids] } }, { "data.skipId": { $in: [...ids] } }],
    };
    const limit = runs.some(({ isRetried }) => isRetried) ? 0 : ids.length;
    const options = { sort: { version: 1 }, limit, projection: { _id: 1 } } as const;
    return (await events.find(query, options).toArray()).map(({ _id }) => _id);
  }

  return {
    async *recordedBefore(instant) {
      const query = { create_datetime: { $lt: new Date(instant) }, open_until: { $exists: false } };
      for await (const document of records.find(query, { sort: { create_datetime: 1 }, projection: FIELDS }))
        yield endedRun(document);
    },

    async *beyond(taskId, { keep, before }) {
      const options = { sort: { start_datetime: -1 }, skip: keep, projection: FIELDS } as const;
      for await (const document of records.find({ task_id: taskId }, options))
        if (!document.open_until && document.create_datetime.getTime() < before) yield endedRun(document);
    },

    async tasksBeyond(keep) {
      const found = records.aggregate<{ _id: string }>([
        { $group: { _id: "$task_id", count: { $sum: 1 } } },
        { $match: { count: { $gt: keep } } },
      ]);
      return (await found.toArray()).map(({ _id }) => _id);
    },

    async anchorsOf(taskId) {
      const stream = `task-${taskId}`;
      const newest = { sort: { version: -1 }, projection: { type: 1, data: 1 } } as const;
      const last = await events.findOne({ stream }, newest);
      if (!last || last.type === "task.deleted") return new Set();
      const [source, run] = await Promise.all([
        events.findOne({ stream, type: SOURCES }, newest),
        records.findOne(
          { task_id: taskId, status: { $ne: "skipped" } },
          { sort: { start_datetime: -1 }, projection: { _id: 1 } },
        ),
      ]);
      const { runId, skipId } = (source?.data ?? {}) as { runId?: string; skipId?: string };
      return new Set([runId, skipId, run?._id.toHexString()].filter((id) => id !== undefined));
    },

    async purge(entries) {
      const byTask = Map.groupBy(
        entries.filter(({ hasEvents }) => hasEvents),
        ({ taskId }) => taskId,
      );
      const sources: string[] = [];
      for (const [taskId, own] of byTask) {
        sources.push(...(await sourcesOf(taskId, own)));
      }
      const streams = entries.map(({ id }) => `run-${id}`);
      const ids = entries.map(({ id }) => new ObjectId(id));
      await store.transact(async (transaction) => {
        const session = sessionOf(transaction);
        await records.deleteMany({ _id: { $in: ids } }, { session });
        await events.deleteMany({ stream: { $in: streams } }, { session });
        await events.deleteMany({ _id: { $in: sources } }, { session });
      });
    },
  };
}

function endedRun(
  document: Pick<RecordDocument, "_id" | "task_id" | "version" | "retry_datetime">,
): EndedRun {
  return {
    id: document._id.toHexString(),
    taskId: document.task_id,
    hasEvents: document.version !== undefined,
    isRetried: document.retry_datetime !== undefined,
  };
}
