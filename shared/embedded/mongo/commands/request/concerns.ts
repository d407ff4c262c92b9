import { CommandFault } from "../../bson/fault.ts";
import { isNumber } from "../../bson/number.ts";
import { type BsonDocument, documentOf, isDocument, Timestamp } from "../../bson/values.ts";
import { type Arguments, numberOf } from "./arguments.ts";
import type { CommandDefinition } from "./context.ts";
import { fields } from "./known-fields.ts";

const LEVELS = new Set(["local", "available", "majority", "linearizable", "snapshot"]);
const LEVELS_IN_TRANSACTION = new Set<unknown>([undefined, "local", "majority", "snapshot"]);
const READ_CONCERN = fields("level afterOpTime afterClusterTime atClusterTime provenance");
const MAX_NODES = 50;

const invalid = (reason: string): CommandFault => new CommandFault(72, reason);

/** A command whose read or write concern is checked, with its definition. */
export interface CheckedCommand {
  readonly args: Arguments;
  readonly name: string;
  readonly definition: CommandDefinition;
}

/**
 * Checks a command's read concern. With a single node, every level except `snapshot` reads the newest state.
 *
 * @throws CommandFault 40415, 14, 2 for an invalid concern, 72 for one that the command or its transaction does not
 * allow
 */
export function requireReadConcern({ args, name, definition }: CheckedCommand): void {
  if (args.value("readConcern") === undefined) return;
  const concern = args.inner("readConcern");
  concern.requireKnown(READ_CONCERN);
  const level = concern.value("level") === undefined ? undefined : concern.text("level");
  if (level !== undefined && !LEVELS.has(level)) {
    throw new CommandFault(
      2,
      `Enumeration value '${level}' for field 'readConcern.level' is not a valid value: it must be one of ${[...LEVELS].join(", ")}`,
    );
  }
  requireTimes(concern, level);
  if (args.command.get("autocommit") === false) requireInTransaction(args, name, level);
  else requireSupported({ name, definition }, level);
}

function requireTimes(concern: Arguments, level: string | undefined): void {
  for (const name of ["afterClusterTime", "atClusterTime"]) {
    const time = concern.value(name);
    if (time !== undefined && !(time instanceof Timestamp))
      throw new CommandFault(14, `readConcern.${name} must be a timestamp`);
  }
  const after = concern.value("afterClusterTime");
  const at = concern.value("atClusterTime");
  if (after !== undefined && at !== undefined)
    throw invalid("readConcern: afterClusterTime and atClusterTime cannot stand together");
  if (after !== undefined && (level === "linearizable" || level === "available"))
    throw invalid("afterClusterTime field can be set only if level is equal to majority, local, or snapshot");
  if (at !== undefined && level !== "snapshot")
    throw invalid("readConcern.atClusterTime is allowed only with level snapshot");
}

function requireInTransaction(args: Arguments, name: string, level: string | undefined): void {
  if (name === "commitTransaction" || name === "abortTransaction") return;
  if (!args.flag("startTransaction"))
    throw invalid("Only the first command in a transaction may specify a readConcern");
  if (LEVELS_IN_TRANSACTION.has(level)) return;
  throw invalid(
    "The readConcern level must be either 'local' (default), 'majority' or 'snapshot' in order to run in a transaction",
  );
}

/** Every command accepts `local`. Reads accept other levels, and some of them `snapshot`. */
function requireSupported(
  { name, definition: { readsAt } }: Omit<CheckedCommand, "args">,
  level = "local",
): void {
  if (level === "local" || readsAt === "every level") return;
  if (readsAt === "every level but snapshot" && level !== "snapshot") return;
  throw invalid(`Command ${name} does not support { readConcern: { level: "${level}" } }`);
}

/**
 * Checks a command's write concern.
 *
 * @throws CommandFault 72 if the command accepts none, 14 and 9 for an invalid one
 */
export function requireWriteConcern({ args, name, definition }: CheckedCommand): void {
  if (args.value("writeConcern") === undefined) return;
  const concern = args.document("writeConcern");
  if (!definition.isWrite && !definition.takesWriteConcern)
    throw invalid(`Command ${name} does not support writeConcern`);
  const ends = name === "commitTransaction" || name === "abortTransaction";
  if (args.command.get("autocommit") === false && !ends)
    throw invalid("writeConcern is not allowed within a multi-statement transaction");
  requireAcknowledgement(concern);
}

function requireAcknowledgement(concern: BsonDocument): void {
  const w = concern.get("w");
  const nodes = numberOf(w);
  if (nodes !== null && !(nodes >= 0 && nodes <= MAX_NODES))
    throw new CommandFault(9, `w has to be a non-negative number and not greater than ${MAX_NODES}`);
  if (w !== undefined && w !== null && nodes === null && typeof w !== "string" && !isDocument(w))
    throw new CommandFault(9, "w has to be a number, string, or object");
  for (const name of ["j", "fsync"]) {
    const value = concern.get(name);
    if (value === undefined || value === null || typeof value === "boolean" || isNumber(value)) continue;
    throw new CommandFault(14, `writeConcern.${name} must be a bool`);
  }
  if (concern.get("j") === true && concern.get("fsync") === true)
    throw new CommandFault(9, "fsync and j options cannot be used together");
}

/** Returns the error for a write concern that one node cannot satisfy; null if it can. */
export function writeConcernErrorFor(args: Arguments): BsonDocument | null {
  if (args.value("writeConcern") === undefined) return null;
  const concern = args.document("writeConcern");
  const w = concern.get("w");
  const nodes = numberOf(w);
  const errInfo = documentOf({
    writeConcern: new Map([["w", w ?? 1], ["wtimeout", 0], ...concern, ["provenance", "clientSupplied"]]),
  });
  if (nodes !== null && nodes > 1) {
    return documentOf({
      code: 100,
      codeName: "UnsatisfiableWriteConcern",
      errmsg: "Not enough data-bearing nodes",
      errInfo,
    });
  }
  if (typeof w !== "string" || w === "majority") return null;
  return documentOf({
    code: 79,
    codeName: "UnknownReplWriteConcern",
    errmsg: `No write concern mode named '${w}' found in replica set configuration`,
    errInfo,
  });
}
