import type { MergeDecision, Namespace, PipelineWriter } from "../../aggregate/environment.ts";
import { type Collation, isSameCollation } from "../../bson/collation.ts";
import { compareValues } from "../../bson/compare.ts";
import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, documentOf } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import { showDocument } from "../../engine/show-value.ts";
import type { Transaction } from "../../engine/transaction.ts";
import { DuplicateKey } from "../../engine/write-conflict.ts";
import type { Pace } from "../../pacing/pace.ts";
import { compileQuery, Rows } from "../../planner/rows.ts";
import { ensureCollection } from "../catalog/collections.ts";
import { type CommandContext, findCollection, timeSliceOf } from "../request/context.ts";
import { documentToStore, withIdFirst } from "./documents-to-store.ts";
import { WriteRun } from "./write-run.ts";

/** Writes for `$out` and `$merge`: each document, or the whole replacement, in a separate transaction. */
export function pipelineWriter(
  context: CommandContext,
  { pace, collation }: { pace: Pace; collation: Collation | undefined },
): PipelineWriter {
  const at = ({ db }: Namespace): CommandContext => ({
    ...context,
    database: db,
    transaction: null,
    isRetryable: false,
  });
  return {
    replaceAll: (target, docs) =>
      inOwnTransaction(at(target), (transaction, place) =>
        replaceAll(ensureCollection(place, target.collection), { transaction, docs, pace }),
      ),
    requireUnique: (target, fields) =>
      requireUnique(findCollection(at(target), target.collection), { fields, collation }),
    mergeOne: (target, key, decide) =>
      inOwnTransaction(at(target), (transaction, place) =>
        mergeOne(ensureCollection(place, target.collection), { transaction, key, decide, pace, collation }),
      ),
  };
}

async function inOwnTransaction(
  context: CommandContext,
  write: (transaction: Transaction, context: CommandContext) => Promise<void>,
): Promise<void> {
  const { writeGate } = context.server;
  if (!writeGate.tryEnter()) await writeGate.enter(timeSliceOf(context));
  try {
    await inGate(context, write);
  } finally {
    writeGate.leave();
  }
}

async function inGate(
  context: CommandContext,
  write: (transaction: Transaction, context: CommandContext) => Promise<void>,
): Promise<void> {
  const run = new WriteRun(context, timeSliceOf(context));
  try {
    await run.run(0, async (transaction) => {
      await write(transaction, context);
      return { n: 0, nModified: 0 };
    });
    await run.finish();
  } finally {
    run.dispose();
  }
}

async function replaceAll(
  collection: Collection,
  { transaction, docs, pace }: { transaction: Transaction; docs: readonly BsonDocument[]; pace: Pace },
): Promise<void> {
  const rows = new Rows(collection, EVERYTHING, { view: () => transaction });
  for (let row = await rows.next(pace); row !== null; row = await rows.next(pace))
    collection.remove(transaction, row.record);
  for (const doc of docs) {
    collection.insert(transaction, documentToStore(withIdFirst(doc)));
    if (pace.isOver()) await pace.pause();
  }
}

const EVERYTHING = compileQuery({ filter: documentOf({}) });

interface Merge {
  readonly transaction: Transaction;
  readonly key: BsonDocument;
  readonly decide: (existing: BsonDocument | undefined) => MergeDecision;
  readonly pace: Pace;
  readonly collation: Collation | undefined;
}

async function mergeOne(
  collection: Collection,
  { transaction, key, decide, pace, collation }: Merge,
): Promise<void> {
  const filter: BsonDocument = new Map([...key].map(([field, value]) => [field, documentOf({ $eq: value })]));
  const row =
    key.size === 0
      ? null
      : await new Rows(collection, compileQuery({ filter, collation }), {
          view: () => transaction,
          limit: 1,
        }).next(pace);
  const decision = decided(collection, key, () => decide(row?.source.document));
  if (decision.action === "none") return;
  const stored = documentToStore(withIdFirst(decision.doc));
  if (row === null) {
    collection.insert(transaction, stored);
    return;
  }
  if (compareValues(row.source.document.get("_id")!, stored.document.get("_id")!) !== 0) {
    throw new CommandFault(
      66,
      "$merge failed to update the matching document, did you attempt to modify the _id or the shard key?",
    );
  }
  collection.update(transaction, { record: row.record, source: stored, heads: null });
}

/** A duplicate key error names the key for the client. */
function decided(collection: Collection, key: BsonDocument, decide: () => MergeDecision): MergeDecision {
  try {
    return decide();
  } catch (error) {
    if (!(error instanceof CommandFault) || error.code !== 11000) throw error;
    const index = collection.indexes.find(({ fields }) => fields.every(({ path }) => key.has(path)));
    const keyPattern = index?.definition.get("key") as BsonDocument;
    throw new DuplicateKey(
      { namespace: collection.namespace, indexName: index?.name ?? "", keyPattern, keyValue: key },
      showDocument(key),
    );
  }
}

/** @throws CommandFault 51183 if two documents of the target could have the same values */
function requireUnique(
  collection: Collection | undefined,
  { fields, collation }: { fields: readonly string[]; collation: Collation | undefined },
): void {
  if (fields.length === 1 && fields[0] === "_id") return;
  const isCovered = collection?.indexes.some(
    (index) =>
      index.isUnique &&
      index.partialFilter === null &&
      isSameCollation(index.collation, collation) &&
      index.fields.length === fields.length &&
      index.fields.every(({ path }) => fields.includes(path)),
  );
  if (isCovered) return;
  throw new CommandFault(51183, "Cannot find index to verify that join fields will be unique");
}
