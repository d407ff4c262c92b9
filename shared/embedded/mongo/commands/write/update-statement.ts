import type { BsonDocument } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import { visibleBytes } from "../../engine/document-record.ts";
import { LazyDocument } from "../../engine/lazy-document.ts";
import { Rows } from "../../planner/rows.ts";
import type { StatementOutcome } from "../../session/statement-outcomes.ts";
import { ensureCollection } from "../catalog/collections.ts";
import { Arguments, statementAt } from "../request/arguments.ts";
import { collationOf } from "../request/collation.ts";
import { type CommandContext, findCollection } from "../request/context.ts";
import { fields } from "../request/known-fields.ts";
import { scopeOf } from "../request/variables.ts";
import { allRecords, type StatementJob } from "./delete-statement.ts";
import { readUpdateById, type UpdateById, updateById } from "./update-by-id.ts";
import { changeRow, insertUpsert, planUpdate, type UpdatePlan } from "./update-plan.ts";

/** One statement of an update command: decoded, unless it can be executed on bytes. */
export type UpdateStatement = UpdateById | Arguments;

export function readUpdates({ args }: CommandContext): UpdateStatement[] {
  const { bytes, offsets } = args.documents("updates");
  const isPlain = args.value("let") === undefined;
  return offsets.map(
    (offset) =>
      (isPlain ? readUpdateById(bytes, offset) : null) ?? checked(statementAt(bytes, offset, ARRAY_NAME)),
  );
}

const ARRAY_NAME = "update.updates";
const FIELDS = fields("q u c arrayFilters hint multi upsert upsertSupplied collation sampleId");

/** @throws CommandFault 40415, 40414, 14, 9 for an invalid statement; the whole command fails then */
function checked(statement: Arguments): Arguments {
  statement.requireKnown(FIELDS);
  statement.requiredDocument("q");
  statement.required("u");
  statement.strictFlag("multi");
  statement.strictFlag("upsert");
  statement.document("collation");
  statement.hint();
  arrayFiltersOf(statement);
  return statement;
}

/** Updates what the filter finds; an upsert inserts if nothing is found. */
export function updateStatement(
  statement: UpdateStatement,
  job: Omit<StatementJob, "args">,
): StatementOutcome | Promise<StatementOutcome> {
  if (statement instanceof Arguments) return updateDecoded({ ...job, args: statement });
  const collection = findCollection(job.context, job.collectionName);
  const outcome = updateById(statement, { collection, transaction: job.transaction });
  return (
    outcome ?? updateDecoded({ ...job, args: statementAt(statement.bytes, statement.offset, ARRAY_NAME) })
  );
}

async function updateDecoded(job: StatementJob): Promise<StatementOutcome> {
  const { context, transaction, slice, collectionName, args } = job;
  const plan = compileStatement(job);
  const isMulti = args.flag("multi");
  const collection = findCollection(context, collectionName);
  if (collection !== undefined) {
    const changed = isMulti
      ? await changeAll(plan, { collection, transaction, slice })
      : await changeFirst(plan, { collection, transaction, slice });
    if (changed.n > 0 || !args.flag("upsert")) return changed;
  } else if (!args.flag("upsert")) return { n: 0, nModified: 0 };
  const { id } = insertUpsert(plan, transaction, ensureCollection(context, collectionName));
  return { n: 1, nModified: 0, upserted: id };
}

interface Target extends Pick<StatementJob, "transaction" | "slice"> {
  readonly collection: Collection;
}

async function changeFirst(
  plan: UpdatePlan,
  { collection, transaction, slice }: Target,
): Promise<StatementOutcome> {
  const row = await new Rows(collection, plan.query, { view: () => transaction, limit: 1 }).next(slice);
  if (row === null) return { n: 0, nModified: 0 };
  const changed = changeRow(plan, { transaction, collection, row });
  return { n: 1, nModified: changed === null ? 0 : 1 };
}

async function changeAll(
  plan: UpdatePlan,
  { collection, transaction, slice }: Target,
): Promise<StatementOutcome> {
  const found = await allRecords(new Rows(collection, plan.query, { view: () => transaction }), slice);
  let nModified = 0;
  for (const record of found) {
    const source = new LazyDocument(visibleBytes(record, transaction)!);
    if (changeRow(plan, { transaction, collection, row: { record, source } }) !== null) nModified += 1;
    if (slice.isOver()) await slice.pause();
  }
  return { n: found.length, nModified };
}

function compileStatement({ context, collectionName, args }: StatementJob): UpdatePlan {
  const collation = collationOf(context, collectionName, args);
  const isMulti = args.flag("multi");
  return planUpdate(
    {
      filter: args.document("q"),
      hint: args.hint(),
      collation,
      scope: scopeOf(context, collation),
    },
    {
      update: args.required("u"),
      arrayFilters: arrayFiltersOf(args),
      isMulti,
      clusterTime: context.server.clusterTime,
    },
  );
}

export function arrayFiltersOf(args: Arguments): BsonDocument[] | undefined {
  if (args.value("arrayFilters") === undefined) return undefined;
  return args.listOfDocuments("arrayFilters");
}
