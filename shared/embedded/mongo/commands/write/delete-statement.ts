import { CommandFault } from "../../bson/fault.ts";
import type { DocumentRecord } from "../../engine/document-record.ts";
import type { Transaction } from "../../engine/transaction.ts";
import type { TimeSlice } from "../../pacing/time-slice.ts";
import { compileQuery, Rows } from "../../planner/rows.ts";
import type { StatementOutcome } from "../../session/statement-outcomes.ts";
import { Arguments, statementAt } from "../request/arguments.ts";
import { collationOf } from "../request/collation.ts";
import { type CommandContext, findCollection } from "../request/context.ts";
import { fields } from "../request/known-fields.ts";
import { scopeOf } from "../request/variables.ts";
import { DeleteById } from "./delete-by-id.ts";

/** One statement of an update or delete command, inside its transaction. */
export interface StatementJob {
  readonly context: CommandContext;
  readonly transaction: Transaction;
  readonly slice: TimeSlice;
  readonly collectionName: string;
  readonly args: Arguments;
}

/** One statement of a delete command: decoded, unless it can be executed on bytes. */
export type DeleteStatement = DeleteById | Arguments;

const ARRAY_NAME = "delete.deletes";
const FIELDS = fields("q limit hint collation sampleId");

/**
 * The statements of a delete command.
 * @throws CommandFault 40415, 40414, 14, 9 for an invalid statement; the whole command fails then
 */
export function readDeletes(args: Arguments): DeleteStatement[] {
  const { bytes, offsets } = args.documents("deletes");
  return offsets.map(
    (offset) => DeleteById.read(bytes, offset) ?? checked(statementAt(bytes, offset, ARRAY_NAME)),
  );
}

function checked(statement: Arguments): Arguments {
  statement.requireKnown(FIELDS);
  statement.requiredDocument("q");
  statement.hint();
  const limit = statement.requiredNumber("limit");
  if (limit !== 0 && limit !== 1)
    throw new CommandFault(9, `The limit field in delete objects must be 0 or 1. Got ${limit}`);
  return statement;
}

/** True if the statement deletes everything that it finds. */
export const deletesAll = (statement: DeleteStatement): boolean =>
  statement instanceof Arguments && statement.number("limit", 0) === 0;

const NOTHING: StatementOutcome = { n: 0, nModified: 0 };

export function deleteStatement(
  statement: DeleteStatement,
  job: Omit<StatementJob, "args">,
): StatementOutcome | Promise<StatementOutcome> {
  if (statement instanceof Arguments) return deleteDecoded({ ...job, args: statement });
  const outcome = statement.run(findCollection(job.context, job.collectionName), job.transaction);
  return (
    outcome ?? deleteDecoded({ ...job, args: statementAt(statement.bytes, statement.offset, ARRAY_NAME) })
  );
}

async function deleteDecoded(job: StatementJob): Promise<StatementOutcome> {
  const { context, transaction, slice, collectionName, args } = job;
  const limit = args.number("limit", 0);
  const collation = collationOf(context, collectionName, args);
  const filter = args.document("q");
  const query = compileQuery({
    filter,
    hint: args.hint(),
    collation,
    scope: scopeOf(context, collation),
  });
  const collection = findCollection(context, collectionName);
  if (collection === undefined) return NOTHING;
  const rows = new Rows(collection, query, { view: () => transaction, limit: limit === 1 ? 1 : undefined });
  const found = await allRecords(rows, slice);
  for (const record of found) {
    collection.remove(transaction, record);
    if (slice.isOver()) await slice.pause();
  }
  return { n: found.length, nModified: 0 };
}

/**
 * Finds all records before any change, so that no changed document is found again. Keeps records only: hundreds
 * of thousands of decoded documents would burden the garbage collector.
 */
export async function allRecords(rows: Rows, slice: TimeSlice): Promise<DocumentRecord[]> {
  const found: DocumentRecord[] = [];
  for (;;) {
    const next = rows.next(slice);
    const row = next instanceof Promise ? await next : next;
    if (row === null) return found;
    found.push(row.record);
  }
}
