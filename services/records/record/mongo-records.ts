import { type AnyBulkWriteOperation, type ClientSession, type Collection, ObjectId } from "mongodb";
import type { ActionAnswer, ActionParams } from "../../../shared/contracts/actions.ts";
import { AppError } from "../../../shared/errors.ts";
import { asked } from "../../../shared/event-store/store-errors.ts";
import { BLOCK_BYTES, jsonBytes, mongoPages, sortOf } from "../../../shared/mongo-pages.ts";
import type { OrderStore } from "./mongo-orders.ts";
import { evolve, type RunRecord } from "./record.ts";
import { fromDocument, type RecordDocument, toDocument, toView } from "./record-document.ts";

export class RecordNotFound extends AppError {
  constructor(runId: string) {
    super(`No record has the id ${runId}`, { type: "RECORD_NOT_FOUND", data: { runId } });
  }
}

/** A record with a long log, large params and a large result does not fit one message; `records.rows` has it in pieces. */
export class RecordTooLarge extends AppError {
  constructor(runId: string) {
    super(`The record ${runId} is larger than ${BLOCK_BYTES} bytes; read it by records.rows.`, {
      type: "RECORD_TOO_LARGE",
      data: { runId, limit: BLOCK_BYTES },
    });
  }
}

/** A record with the number of events on its run's stream. */
export interface VersionedRecord {
  readonly record: RunRecord;
  readonly version: number;
}

export interface RecordChange extends VersionedRecord {
  readonly isNew: boolean;
}

/** The records of runs and skips. Reads outside of transactions reject with `STORE_UNAVAILABLE`. */
export interface RecordStore {
  load(session: ClientSession, runIds: readonly string[]): Promise<Map<string, VersionedRecord>>;
  write(session: ClientSession, changes: readonly RecordChange[]): Promise<void>;
  /** Which of these runs and skips are on record. */
  recorded(ids: readonly string[]): Promise<ReadonlySet<string>>;
  /** The records of those that have no outcome. */
  open(ids: readonly string[]): Promise<ReadonlyMap<string, VersionedRecord>>;
  /** Open runs that have shown no sign of life for longer than they may. */
  overdue(now: number, limit: number): Promise<readonly VersionedRecord[]>;
  /** Of these runs those that have an outcome, and those that are not on record. */
  outcomes(runIds: readonly string[]): Promise<{ ended: ReadonlySet<string>; missing: ReadonlySet<string> }>;
  /** Also of a run that was ordered just now and is not on record yet. Errors: `RECORD_NOT_FOUND`, `RECORD_TOO_LARGE`. */
  view(runId: string): Promise<ActionAnswer<"records.get">>;
  /** Error: `LIST_TOO_LONG`. */
  list(query: ActionParams<"records.list">): Promise<ActionAnswer<"records.list">>;
  rows(query: ActionParams<"records.rows">): Promise<ActionAnswer<"records.rows">>;
}

export interface MongoRecordsOptions {
  readonly records: Collection<RecordDocument>;
  /** Finds the order of a run that is not on record yet. */
  readonly justOrdered?: OrderStore["justOrdered"];
  /** How long a run may be silent beyond its timeout. */
  readonly lostMs: number;
  /** Timeout of runs whose task names none. */
  readonly defaultTimeoutMs: number;
}

export function mongoRecords(options: MongoRecordsOptions): RecordStore {
  const { records, justOrdered = async () => null, lostMs, defaultTimeoutMs } = options;
  const pages = mongoPages(records, toView);
  const documentOf = ({ record, version }: VersionedRecord) => {
    const seen = Math.max(Date.parse(record.updatedAt), Date.parse(record.plannedAt));
    return toDocument(record, {
      version,
      openUntil: new Date(seen + (record.timeoutMs ?? defaultTimeoutMs) + lostMs),
    });
  };

  /** As it will be stored, once its order has reached the recorder. */
  async function futureDocument(runId: string): Promise<RecordDocument | null> {
    const order = await justOrdered(runId);
    return order && documentOf({ record: evolve(null, order), version: 0 });
  }

  return {
    async load(session, runIds) {
      const ids = runIds.map((id) => new ObjectId(id));
      const found = await records
        .find({ _id: { $in: ids } }, { session, batchSize: runIds.length })
        .toArray();
      return byId(found);
    },

    async write(session, changes) {
      const added = changes.filter(({ isNew }) => isNew).map(documentOf);
      const replaced = changes.filter(({ isNew }) => !isNew).map(documentOf);
      if (added.length > 0) await records.insertMany(added, { session, ordered: false });
      if (replaced.length > 0)
        await records.bulkWrite(replaced.map(replacement), { session, ordered: false });
    },

    async recorded(ids) {
      const query = { _id: { $in: ids.map((id) => new ObjectId(id)) } };
      const found = await asked(records.find(query, { projection: { _id: 1 } }).toArray());
      return new Set(found.map(({ _id }) => _id.toHexString()));
    },

    async open(ids) {
      const query = { _id: { $in: ids.map((id) => new ObjectId(id)) }, open_until: { $exists: true } };
      return byId(await asked(records.find(query).toArray()));
    },

    async overdue(now, limit) {
      const found = await asked(records.find({ open_until: { $lte: new Date(now) } }, { limit }).toArray());
      return found.map(versioned);
    },

    async outcomes(runIds) {
      const query = { _id: { $in: runIds.map((id) => new ObjectId(id)) } };
      const found = await asked(records.find(query, { projection: { open_until: 1 } }).toArray());
      const ended = found.filter(({ open_until }) => open_until === undefined);
      const missing = new Set(runIds);
      for (const { _id } of found) missing.delete(_id.toHexString());
      return { ended: new Set(ended.map(({ _id }) => _id.toHexString())), missing };
    },

    async view(runId) {
      const found = await asked(records.findOne({ _id: new ObjectId(runId) }));
      const document = found ?? (await futureDocument(runId));
      if (!document) throw new RecordNotFound(runId);
      const view = toView(document);
      if (jsonBytes(view) > BLOCK_BYTES) throw new RecordTooLarge(runId);
      return view;
    },

    list: ({ page, limit, taskId, ...order }) => {
      const filter = taskId === undefined ? {} : { task_id: taskId };
      return pages.page({ page, limit, filter, sort: sortOf(order) }, () =>
        taskId === undefined ? records.estimatedDocumentCount() : records.countDocuments(filter),
      );
    },

    rows: pages.rows,
  };
}

function byId(documents: readonly RecordDocument[]): Map<string, VersionedRecord> {
  return new Map(documents.map((document) => [document._id.toHexString(), versioned(document)]));
}

function versioned(document: RecordDocument): VersionedRecord {
  return { record: fromDocument(document), version: document.version ?? 0 };
}

function replacement({ _id, ...rest }: RecordDocument): AnyBulkWriteOperation<RecordDocument> {
  return { replaceOne: { filter: { _id }, replacement: rest } };
}
