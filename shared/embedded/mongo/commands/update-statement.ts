import type { BsonDocument } from "../bson/values.ts";
import { Rows } from "../planner/rows.ts";
import { compileCollation } from "../query/collation.ts";
import type { StatementOutcome } from "../session/statement-outcomes.ts";
import { Arguments, statementAt } from "./arguments.ts";
import { ensureCollection } from "./collections.ts";
import { type CommandContext, findCollection } from "./context.ts";
import { allRows, type StatementJob } from "./delete-statement.ts";
import { fields } from "./known-fields.ts";
import { readUpdateById, type UpdateById, updateById } from "./update-by-id.ts";
import { changeRow, insertUpsert, planUpdate, type UpdatePlan } from "./update-plan.ts";
import { scopeOf } from "./variables.ts";

/** One statement of an update command: decoded, unless it is of the kind that is carried out on bytes. */
export type UpdateStatement = UpdateById | Arguments;

export function readUpdates({ args }: CommandContext): UpdateStatement[] {
  const { bytes, offsets } = args.documents("updates");
  const isPlain = args.value("let") === undefined;
  return offsets.map(
    (offset) =>
      (isPlain ? readUpdateById(bytes, offset) : null) ?? checked(statementAt(bytes, offset, PLACE)),
  );
}

const PLACE = "update.updates";
const FIELDS = fields("q u c arrayFilters hint multi upsert upsertSupplied collation sampleId");

/** @throws CommandFault 40415, 40414, 14, 9 for a statement that is none: then the whole command fails */
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

/** Changes what the statement's filter finds, or inserts where it upserts. */
export function updateStatement(
  statement: UpdateStatement,
  job: Omit<StatementJob, "args">,
): StatementOutcome | Promise<StatementOutcome> {
  if (statement instanceof Arguments) return updateDecoded({ ...job, args: statement });
  const collection = findCollection(job.context, job.collectionName);
  const outcome = updateById(statement, { collection, transaction: job.transaction });
  return outcome ?? updateDecoded({ ...job, args: statementAt(statement.bytes, statement.offset, PLACE) });
}

async function updateDecoded(job: StatementJob): Promise<StatementOutcome> {
  const { context, transaction, slice, collectionName, args } = job;
  const plan = compileStatement(job);
  const isMulti = args.flag("multi");
  const collection = findCollection(context, collectionName);
  if (collection !== undefined) {
    const rows = new Rows(collection, plan.query, {
      view: () => transaction,
      limit: isMulti ? undefined : 1,
    });
    const found = await allRows(rows, slice);
    let nModified = 0;
    for (const row of found) {
      if (changeRow(plan, { transaction, collection, row }) !== null) nModified += 1;
      if (slice.isOver()) await slice.pause();
    }
    if (found.length > 0 || !args.flag("upsert")) return { n: found.length, nModified };
  } else if (!args.flag("upsert")) return { n: 0, nModified: 0 };
  const { id } = insertUpsert(plan, transaction, ensureCollection(context, collectionName));
  return { n: 1, nModified: 0, upserted: id };
}

function compileStatement({ context, args }: StatementJob): UpdatePlan {
  const collation = compileCollation(args.value("collation"));
  const isMulti = args.flag("multi");
  return planUpdate(
    {
      filter: args.document("q"),
      hint: args.hint(),
      collation,
      scope: scopeOf(context, collation),
    },
    { update: args.required("u"), arrayFilters: arrayFiltersOf(args), isMulti },
  );
}

export function arrayFiltersOf(args: Arguments): BsonDocument[] | undefined {
  if (args.value("arrayFilters") === undefined) return undefined;
  return args.listOfDocuments("arrayFilters");
}
