import type { Db, IndexDescription } from "mongodb";
import { requireSchemaVersion } from "./schema-version.ts";

/** Every index, by collection, and the service that owns and creates it. */
export const indexes = {
  /** One writer of each version of a stream: the guard against two schedulers deciding on the same state. */
  events: [{ key: { stream: 1, version: 1 }, name: "stream_version", unique: true }],
  /** Finds the tasks that are due next. */
  scheduler_task_list: [
    { key: { next_run_at: 1, _id: 1 }, name: "next_run" },
    /** Finds the runs that are to be retried next. Only tasks with such a run have the field. */
    {
      key: { next_retry_at: 1 },
      name: "next_retry",
      partialFilterExpression: { next_retry_at: { $exists: true } },
    },
  ],
  /** The outcome of a command is kept until every process would reject the command as late. */
  scheduler_commands: [{ key: { expires_at: 1 }, name: "expiry", expireAfterSeconds: 0 }],
  scheduler_task_record: [
    { key: { create_datetime: 1 }, name: "create_datetime" },
    { key: { task_id: 1, start_datetime: -1 }, name: "task_start" },
    /** Only open runs have the field, so that a run that is recorded once, at its end, costs nothing here. */
    {
      key: { open_until: 1 },
      name: "open_until",
      partialFilterExpression: { open_until: { $exists: true } },
    },
  ],
  record_operation: [
    { key: { create_datetime: -1, _id: -1 }, name: "newest" },
    { key: { api_path: 1, create_datetime: -1, _id: -1 }, name: "path_newest" },
    { key: { actor: 1, create_datetime: -1, _id: -1 }, name: "actor_newest" },
  ],
  bilibili_hot_new: [
    /** The same crawl stores its rows once; rows of the Python original have no crawl. */
    {
      key: { crawl_id: 1, rank: 1 },
      name: "crawl_rank",
      unique: true,
      partialFilterExpression: { crawl_id: { $exists: true } },
    },
    { key: { create_datetime: -1, crawl_id: -1, rank: 1 }, name: "newest_crawl" },
  ],
} as const satisfies Readonly<Record<string, readonly IndexDescription[]>>;

export type IndexedCollection = keyof typeof indexes;

const BUILD_LIMIT_MS = 3_600_000;

/**
 * Creates the indexes of some collections, and with them the collections; does nothing if they exist.
 *
 * @throws AppError `STORE_TOO_NEW`
 */
export async function ensureIndexes(db: Db, collections: readonly IndexedCollection[]): Promise<void> {
  await requireSchemaVersion(db);
  for (const name of collections) {
    // Building an index on many documents takes longer than any other request.
    await db.collection(name).createIndexes([...indexes[name]], { timeoutMS: BUILD_LIMIT_MS });
  }
}
