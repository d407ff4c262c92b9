import { CommandFault } from "../bson/fault.ts";
import { type BsonValue, documentOf } from "../bson/values.ts";
import { DuplicateKey } from "../engine/write-conflict.ts";
import { INSERTED, type StatementOutcome } from "../session/statement-outcomes.ts";
import { type Reply, replyOf } from "../wire/reply.ts";
import { Arguments } from "./arguments.ts";
import { ensureCollection } from "./collections.ts";
import { type CommandContext, type CommandTable, timeSliceOf } from "./context.ts";
import { deleteStatement } from "./delete-statement.ts";
import { documentToInsert } from "./documents-to-store.ts";
import { MAX_BATCH_STATEMENTS } from "./hello.ts";
import { readUpdates, type UpdateStatement, updateStatement } from "./update-statement.ts";
import { runBatch, type StatementError } from "./write-run.ts";

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
  const { bytes, offsets } = args.documents("documents");
  requireBatchSize(offsets.length);
  let n = 0;
  const errors = await runBatch(context, timeSliceOf(context), {
    count: offsets.length,
    isOrdered: args.flag("ordered", true),
    statement: (transaction, index) => {
      const source = documentToInsert(bytes, offsets[index]!);
      ensureCollection(context, name).insert(transaction, source);
      return INSERTED;
    },
    onOutcome: () => {
      n += 1;
    },
  });
  return replyOf({ n, writeErrors: shownErrors(errors) });
}

/** A server of this version does not know `sort` in updates yet. */
function requireKnownFields(statements: readonly UpdateStatement[]): void {
  if (!statements.some((statement) => statement instanceof Arguments && statement.command.has("sort")))
    return;
  throw new CommandFault(40415, "BSON field 'update.updates.sort' is an unknown field.");
}

async function update(context: CommandContext): Promise<Reply> {
  const { args } = context;
  const name = args.collection();
  const statements = readUpdates(context);
  requireBatchSize(statements.length);
  requireKnownFields(statements);
  const slice = timeSliceOf(context);
  const upserted: BsonValue[] = [];
  const total = { n: 0, nModified: 0 };
  const errors = await runBatch(context, slice, {
    count: statements.length,
    isOrdered: args.flag("ordered", true),
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
    writeErrors: shownErrors(errors),
  });
}

async function remove(context: CommandContext): Promise<Reply> {
  const { args } = context;
  const name = args.collection();
  const statements = args.statements("deletes");
  requireBatchSize(statements.length);
  const slice = timeSliceOf(context);
  const total = { n: 0, nModified: 0 };
  const errors = await runBatch(context, slice, {
    count: statements.length,
    isOrdered: args.flag("ordered", true),
    statement: (transaction, index) =>
      deleteStatement({ context, transaction, slice, collectionName: name, args: statements[index]! }),
    onOutcome: (_, outcome) => count(total, outcome),
  });
  return replyOf({ n: total.n, writeErrors: shownErrors(errors) });
}

function count(total: { n: number; nModified: number }, { n, nModified }: StatementOutcome): void {
  total.n += n;
  total.nModified += nModified;
}

function shownErrors(errors: readonly StatementError[]): BsonValue[] | undefined {
  if (errors.length === 0) return undefined;
  return errors.map(({ index, fault }) =>
    documentOf({
      index,
      code: fault.code,
      ...(fault instanceof DuplicateKey && {
        keyPattern: fault.details.keyPattern,
        keyValue: fault.details.keyValue,
      }),
      errmsg: fault.message,
    }),
  );
}

export const writeCommands: CommandTable = {
  insert: { run: insert, inTransaction: true, isWrite: true },
  update: { run: update, inTransaction: true, isWrite: true },
  delete: { run: remove, inTransaction: true, isWrite: true },
};
