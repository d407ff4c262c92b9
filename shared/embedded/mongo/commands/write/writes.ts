import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, type BsonValue, documentOf } from "../../bson/values.ts";
import { MAX_BATCH_STATEMENTS } from "../../server/identity.ts";
import { INSERTED, type StatementOutcome } from "../../session/statement-outcomes.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { ensureCollection, requireUserCollection } from "../catalog/collections.ts";
import { Arguments } from "../request/arguments.ts";
import { type CommandContext, type CommandTable, timeSliceOf } from "../request/context.ts";
import { deleteStatement, deletesAll, readDeletes } from "./delete-statement.ts";
import { documentToInsert } from "./documents-to-store.ts";
import { readUpdates, updateStatement } from "./update-statement.ts";
import { type BatchResult, runBatch, type StatementError } from "./write-run.ts";

function requireBatchSize(count: number): void {
  if (count >= 1 && count <= MAX_BATCH_STATEMENTS) return;
  throw new CommandFault(
    16,
    `Write batch sizes must be between 1 and ${MAX_BATCH_STATEMENTS}. Got ${count} operations.`,
  );
}

async function insert(context: CommandContext): Promise<Reply> {
  const { args } = context;
  const name = args.collection();
  requireUserCollection(context.database, name);
  const { bytes, offsets } = args.documents("documents");
  requireBatchSize(offsets.length);
  let n = 0;
  const result = await runBatch(context, timeSliceOf(context), {
    count: offsets.length,
    isOrdered: args.strictFlag("ordered", true),
    statement: (transaction, index) => {
      const source = documentToInsert(bytes, offsets[index]!, context.server.clusterTime);
      ensureCollection(context, name).insert(transaction, source);
      return INSERTED;
    },
    onOutcome: () => {
      n += 1;
    },
  });
  return replyOf({ n, ...batchFields(result) });
}

/** @throws CommandFault 72 for a retryable statement on many documents */
function requireSingle({ isRetryable }: CommandContext, isMulti: boolean): void {
  if (isRetryable && isMulti)
    throw new CommandFault(72, "Cannot use (or request) retryable writes with multi=true");
}

async function update(context: CommandContext): Promise<Reply> {
  const { args } = context;
  const name = args.collection();
  requireUserCollection(context.database, name);
  const statements = readUpdates(context);
  requireSingle(
    context,
    statements.some((one) => one instanceof Arguments && one.flag("multi")),
  );
  requireBatchSize(statements.length);
  const slice = timeSliceOf(context);
  const upserted: BsonValue[] = [];
  const total = { n: 0, nModified: 0 };
  const result = await runBatch(context, slice, {
    count: statements.length,
    isOrdered: args.strictFlag("ordered", true),
    statement: (transaction, index) =>
      updateStatement(statements[index]!, { context, transaction, slice, collectionName: name }),
    onOutcome: (index, outcome) => {
      count(total, outcome);
      if (outcome.upserted !== undefined) upserted.push(documentOf({ index, _id: outcome.upserted }));
    },
  });
  return replyOf({
    ...total,
    upserted: upserted.length > 0 ? upserted : undefined,
    ...batchFields(result),
  });
}

async function remove(context: CommandContext): Promise<Reply> {
  const { args } = context;
  const name = args.collection();
  requireUserCollection(context.database, name);
  const statements = readDeletes(args);
  requireSingle(context, statements.some(deletesAll));
  requireBatchSize(statements.length);
  const slice = timeSliceOf(context);
  const total = { n: 0, nModified: 0 };
  const result = await runBatch(context, slice, {
    count: statements.length,
    isOrdered: args.strictFlag("ordered", true),
    statement: (transaction, index) =>
      deleteStatement(statements[index]!, { context, transaction, slice, collectionName: name }),
    onOutcome: (_, outcome) => count(total, outcome),
  });
  return replyOf({ n: total.n, ...batchFields(result) });
}

function count(total: { n: number; nModified: number }, { n, nModified }: StatementOutcome): void {
  total.n += n;
  total.nModified += nModified;
}

/** Builds the reply fields for failed statements, and for those that an earlier attempt has executed. */
const batchFields = ({ errors, retriedStatements }: BatchResult): Record<string, BsonValue | undefined> => ({
  writeErrors: errors.length > 0 ? errors.map(writeErrorOf) : undefined,
  retriedStmtIds: retriedStatements.length > 0 ? [...retriedStatements] : undefined,
});

const writeErrorOf = ({ index, fault }: StatementError): BsonDocument =>
  new Map<string, BsonValue>([
    ["index", index],
    ["code", fault.code],
    ...fault.details(),
    ["errmsg", fault.message],
  ]);

export const writeCommands: CommandTable = {
  insert: { run: insert, inTransaction: true, isWrite: true, isRetryable: true },
  update: { run: update, inTransaction: true, isWrite: true, isRetryable: true },
  delete: { run: remove, inTransaction: true, isWrite: true, isRetryable: true },
};
