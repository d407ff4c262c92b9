import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, documentOf } from "../../bson/values.ts";
import type { Transaction } from "../../engine/transaction.ts";
import type { TimeSlice } from "../../pacing/time-slice.ts";
import { compileQuery, type QuerySpec, Rows } from "../../planner/rows.ts";
import { compileProjection } from "../../query/projection.ts";
import type { StatementOutcome } from "../../session/statement-outcomes.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { ensureCollection, requireUserCollection } from "../catalog/collections.ts";
import { collationOf } from "../request/collation.ts";
import { type CommandContext, type CommandTable, findCollection, timeSliceOf } from "../request/context.ts";
import { scopeOf } from "../request/variables.ts";
import { changeRow, insertUpsert, planUpdate, type UpdatePlan } from "./update-plan.ts";
import { arrayFiltersOf } from "./update-statement.ts";
import { WriteRun } from "./write-run.ts";

interface Job {
  readonly context: CommandContext;
  readonly name: string;
  readonly slice: TimeSlice;
  readonly spec: QuerySpec;
  /** null: remove the document. */
  readonly plan: UpdatePlan | null;
  readonly project: (document: BsonDocument) => BsonDocument;
}

async function findAndModify(context: CommandContext): Promise<Reply> {
  const { args, isRetryable, session } = context;
  const slice = timeSliceOf(context);
  const job = compileJob(context, slice);
  const isRepeated = isRetryable && session!.outcomes.size > 0;
  const run = new WriteRun(context, slice);
  try {
    const outcome = await run.run(0, (transaction) => carryOut(job, transaction, args.flag("new")));
    await run.finish();
    const body = documentOf({});
    if (isRepeated) body.set("retriedStmtId", 0);
    for (const [name, value] of outcome.reply!) body.set(name, value);
    return { body };
  } finally {
    run.dispose();
  }
}

function compileJob(context: CommandContext, slice: TimeSlice): Job {
  const { args } = context;
  const name = args.collection();
  requireUserCollection(context.database, name);
  const isRemove = args.flag("remove");
  const update = args.value("update");
  if (isRemove && update !== undefined)
    throw new CommandFault(9, "Cannot specify both an update and remove=true");
  if (!isRemove && update === undefined)
    throw new CommandFault(9, "Either an update or remove=true must be specified");
  if (isRemove && args.value("arrayFilters") !== undefined)
    throw new CommandFault(9, "Cannot specify arrayFilters and remove=true");
  if (isRemove && args.flag("new"))
    throw new CommandFault(
      9,
      "Cannot specify both new=true and remove=true; 'remove' always returns the deleted document",
    );
  if (isRemove && args.flag("upsert"))
    throw new CommandFault(9, "Cannot specify both upsert=true and remove=true");
  const collation = collationOf(context, name, args);
  const spec: QuerySpec = {
    filter: args.document("query"),
    sort: args.document("sort"),
    hint: args.hint(),
    collation,
    scope: scopeOf(context, collation),
  };
  const fields = args.document("fields");
  return {
    context,
    name,
    slice,
    spec,
    plan: isRemove
      ? null
      : planUpdate(spec, {
          update: update!,
          arrayFilters: arrayFiltersOf(args),
          isMulti: false,
          clusterTime: context.server.clusterTime,
        }),
    project: fields.size === 0 ? (document) => document : compileProjection(fields, spec.filter, spec),
  };
}

async function carryOut(job: Job, transaction: Transaction, returnsNew: boolean): Promise<StatementOutcome> {
  const { context, name, slice, spec, plan, project } = job;
  const query = plan?.query ?? compileQuery(spec);
  const collection = findCollection(context, name);
  const row =
    collection && (await new Rows(collection, query, { view: () => transaction, limit: 1 }).next(slice));
  if (row) {
    const before = row.source.document;
    const value = () => project(before);
    if (plan === null) {
      collection.remove(transaction, row.record);
      return outcomeOf({ n: 1, nModified: 0 }, { n: 1 }, value());
    }
    const old = returnsNew ? null : value();
    const changed = changeRow(plan, { transaction, collection, row });
    const result = old ?? project((changed ?? row.source).document);
    return outcomeOf({ n: 1, nModified: changed === null ? 0 : 1 }, { n: 1, updatedExisting: true }, result);
  }
  if (plan === null) return outcomeOf({ n: 0, nModified: 0 }, { n: 0 }, null);
  if (!context.args.flag("upsert"))
    return outcomeOf({ n: 0, nModified: 0 }, { n: 0, updatedExisting: false }, null);
  const { id, stored } = insertUpsert(plan, transaction, ensureCollection(context, name));
  const value = returnsNew ? project(stored.document) : null;
  return outcomeOf({ n: 1, nModified: 0 }, { n: 1, updatedExisting: false, upserted: id }, value);
}

const outcomeOf = (
  outcome: StatementOutcome,
  lastErrorObject: Parameters<typeof documentOf>[0],
  value: BsonDocument | null,
): StatementOutcome => ({
  ...outcome,
  reply: replyOf({ lastErrorObject: documentOf(lastErrorObject), value }).body,
});

export const findAndModifyCommands: CommandTable = {
  findAndModify: { run: findAndModify, inTransaction: true, isWrite: true, isRetryable: true },
  findandmodify: { run: findAndModify, inTransaction: true, isWrite: true, isRetryable: true },
};
