import { CommandFault } from "../bson/fault.ts";
import { type BsonDocument, isDocument } from "../bson/values.ts";
import { Rows } from "../planner/rows.ts";
import { compileCollation } from "../query/collation.ts";
import type { StatementOutcome } from "../session/statement-outcomes.ts";
import type { Arguments } from "./arguments.ts";
import { ensureCollection } from "./collections.ts";
import { findCollection } from "./context.ts";
import { allRows, type StatementJob } from "./delete-statement.ts";
import { changeRow, insertUpsert, planUpdate, type UpdatePlan } from "./update-plan.ts";
import { scopeOf } from "./variables.ts";

/** One statement of an update command: changes what its filter finds, or inserts where it upserts. */
export async function updateStatement(job: StatementJob): Promise<StatementOutcome> {
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
  const update = args.value("u");
  if (update === undefined)
    throw new CommandFault(40414, "BSON field 'update.updates.u' is missing but a required field");
  const isMulti = args.flag("multi");
  return planUpdate(
    {
      filter: args.document("q"),
      hint: args.value("hint"),
      collation,
      scope: scopeOf(context, collation),
    },
    { update, arrayFilters: arrayFiltersOf(args), isMulti },
  );
}

export function arrayFiltersOf(args: Arguments): BsonDocument[] | undefined {
  if (args.value("arrayFilters") === undefined) return undefined;
  return args.list("arrayFilters").map((filter) => {
    if (!isDocument(filter)) throw new CommandFault(14, "each of arrayFilters must be an object");
    return filter;
  });
}
