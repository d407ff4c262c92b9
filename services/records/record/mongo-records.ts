import { type AnyBulkWriteOperation, type Collection, ObjectId } from "mongodb";
import type { ActionParams, ActionResult } from "../../../shared/contracts/actions.ts";
import type { RetryingRun } from "../../../shared/contracts/records-actions.ts";
import { AppError } from "../../../shared/errors.ts";
import type { StateStore } from "../../../shared/event-store/command-handler-options.ts";
import type { Versioned } from "../../../shared/event-store/decide-batch.ts";
import { withStoreErrors } from "../../../shared/event-store/mongo-errors.ts";
import { sessionOf } from "../../../shared/event-store/mongo-transaction.ts";
import { mongoPages, sortOf } from "../../../shared/mongo-pages.ts";
import { BLOCK_BYTES, jsonBytes } from "../../../shared/row-block.ts";
import type { SourceEvents } from "./mongo-source-events.ts";
import { foldRecord, type RunRecord } from "./record.ts";
import { fromDocument, type RecordDocument, statusOf, toDocument, toView } from "./record-document.ts";
import type { DecidedRunEvent, RunCommand } from "./run.ts";
import { STORED_FIELDS } from "./stored-fields.ts";

export class RecordNotFound extends AppError {
  constructor(runId: string) {
    super(`No record has the id ${runId}`, { type: "RECORD_NOT_FOUND", data: { runId } });
  }
}

/**
 * A record with a long log, large params and a large result does not fit one message; `records.rows` returns it in
 * pieces.
 */
export class RecordTooLarge extends AppError {
  constructor(runId: string) {
    super(`The record ${runId} is larger than ${BLOCK_BYTES} bytes; read it by records.rows.`, {
      type: "RECORD_TOO_LARGE",
      data: { runId, limit: BLOCK_BYTES },
    });
  }
}

/** The records of runs and skips. Reads outside of transactions reject with `STORE_UNAVAILABLE`. */
export interface RecordStore extends StateStore<RunRecord | null, RunCommand, DecidedRunEvent> {
  /** Those of these runs and skips that are recorded. */
  recorded(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** The records of those that have no outcome. */
  open(ids: readonly string[]): Promise<ReadonlyMap<string, Versioned<RunRecord>>>;
  /** Open runs without any event for longer than allowed. */
  overdue(now: number, limit: number): Promise<readonly Versioned<RunRecord>[]>;
  /** Those of these runs that have an outcome, those that wait for a retry, and those that are not recorded. */
  outcomes(runIds: readonly string[]): Promise<RunOutcomes>;
  /**
   * Includes a run that was dispatched just now and is not recorded yet.
   *
   * @throws `RECORD_NOT_FOUND`, `RECORD_TOO_LARGE`
   */
  view(runId: string): Promise<ActionResult<"records.get">>;
  /**
   * The task and the status of a run or skip; includes a run that was dispatched just now.
   *
   * @throws `RECORD_NOT_FOUND`
   */
  status(runId: string): Promise<ActionResult<"records.status">>;
  /** @throws `LIST_TOO_LONG` */
  list(query: ActionParams<"records.list">): Promise<ActionResult<"records.list">>;
  rows(query: ActionParams<"records.rows">): Promise<ActionResult<"records.rows">>;
}

export interface RunOutcomes {
  readonly ended: ReadonlySet<string>;
  readonly retrying: readonly RetryingRun[];
  readonly missing: ReadonlySet<string>;
}

export interface MongoRecordsOptions {
  readonly records: Collection<RecordDocument>;
  /** Finds the `task.due` of a run that is not recorded yet. */
  readonly justDispatched?: SourceEvents["justDispatched"];
  /** How long a run may go without events beyond its timeout (ms). */
  readonly lostMs: number;
  /** Timeout of runs whose task has none (ms). */
  readonly defaultTimeoutMs: number;
}

export function mongoRecords(options: MongoRecordsOptions): RecordStore {
  const { records, justDispatched = async () => null, lostMs, defaultTimeoutMs } = options;
  const pages = mongoPages(records, toView);
  const documentOf = ({ state: record, version }: Versioned<RunRecord>) => {
    const { updatedAt, plannedAt, retryAt } = record;
    const seen = Math.max(Date.parse(updatedAt), Date.parse(plannedAt), retryAt ? Date.parse(retryAt) : 0);
    return toDocument(record, {
      version,
      openUntil: new Date(seen + (record.timeoutMs ?? defaultTimeoutMs) + lostMs),
    });
  };

  /** The document as it will be stored once the recorder receives the run's `task.due`. */
  async function futureDocument(runId: string): Promise<RecordDocument | null> {
    const due = await justDispatched(runId);
    return due && documentOf({ state: foldRecord(null, due), version: 0 });
  }

  return {
    async load(runIds, { transaction }) {
      const query = { _id: { $in: runIds.map((id) => new ObjectId(id)) } };
      const session = transaction ? { session: sessionOf(transaction) } : {};
      return byId(await records.find(query, { ...session, batchSize: runIds.length }).toArray());
    },

    async write(transaction, changes) {
      const session = sessionOf(transaction);
      const added: RecordDocument[] = [];
      const replaced: RecordDocument[] = [];
      for (const { before, after, version } of changes)
        if (after) (before ? replaced : added).push(documentOf({ state: after, version }));
      if (added.length > 0) await records.insertMany(added, { session, ordered: false });
      if (replaced.length > 0)
        await records.bulkWrite(replaced.map(replacement), { session, ordered: false });
    },

    async recorded(ids) {
      const query = { _id: { $in: ids.map((id) => new ObjectId(id)) } };
      const found = await withStoreErrors(records.find(query, { projection: { _id: 1 } }).toArray());
      return new Set(found.map(({ _id }) => _id.toHexString()));
    },

    async open(ids) {
      const query = { _id: { $in: ids.map((id) => new ObjectId(id)) }, open_until: { $exists: true } };
      return byId(await withStoreErrors(records.find(query).toArray()));
    },

    async overdue(now, limit) {
      const found = await withStoreErrors(
        records.find({ open_until: { $lte: new Date(now) } }, { limit }).toArray(),
      );
      return found.map(versioned);
    },

    async outcomes(runIds) {
      const query = { _id: { $in: runIds.map((id) => new ObjectId(id)) } };
      const projection = { open_until: 1, status: 1, retry_datetime: 1, "attempts.attempt": 1 };
      const found = await withStoreErrors(records.find(query, { projection }).toArray());
      const ended = found.filter(({ open_until }) => open_until === undefined);
      const missing = new Set(runIds);
      for (const { _id } of found) missing.delete(_id.toHexString());
      const retrying = found.flatMap(retryingRun);
      return { ended: new Set(ended.map(({ _id }) => _id.toHexString())), retrying, missing };
    },

    async view(runId) {
      const found = await withStoreErrors(records.findOne({ _id: new ObjectId(runId) }));
      const document = found ?? (await futureDocument(runId));
      if (!document) throw new RecordNotFound(runId);
      const view = toView(document);
      if (jsonBytes(view) > BLOCK_BYTES) throw new RecordTooLarge(runId);
      return view;
    },

    async status(runId) {
      const projection = { task_id: 1, status: 1, exception: 1 };
      const found = await withStoreErrors(records.findOne({ _id: new ObjectId(runId) }, { projection }));
      const document = found ?? (await futureDocument(runId));
      if (!document) throw new RecordNotFound(runId);
      return { taskId: document.task_id, status: statusOf(document) };
    },

    list: ({ page, limit, taskId, ...order }) => {
      const filter = taskId === undefined ? {} : { task_id: taskId };
      return pages.page({ page, limit, filter, sort: sortOf(order, STORED_FIELDS) }, () =>
        taskId === undefined ? records.estimatedDocumentCount() : records.countDocuments(filter),
      );
    },

    rows: pages.rows,
  };
}

function retryingRun({ _id, status, retry_datetime, attempts = [] }: RecordDocument): RetryingRun[] {
  if (status !== "retrying" || !retry_datetime) return [];
  const attempt = attempts.reduce((latest, each) => Math.max(latest, each.attempt ?? 1), 1);
  return [{ runId: _id.toHexString(), attempt, retryAt: retry_datetime.toISOString() }];
}

function byId(documents: readonly RecordDocument[]): Map<string, Versioned<RunRecord>> {
  return new Map(documents.map((document) => [document._id.toHexString(), versioned(document)]));
}

function versioned(document: RecordDocument): Versioned<RunRecord> {
  return { state: fromDocument(document), version: document.version ?? 0 };
}

function replacement({ _id, ...rest }: RecordDocument): AnyBulkWriteOperation<RecordDocument> {
  return { replaceOne: { filter: { _id }, replacement: rest } };
}
