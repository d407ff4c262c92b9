import { CommandFault } from "../../bson/fault.ts";
import { type BsonValue, isDocument } from "../../bson/values.ts";
import type { Arguments } from "./arguments.ts";
import { fields } from "./known-fields.ts";

/** The commands of the Stable API, version 1. */
const STABLE = fields(
  "abortTransaction aggregate authenticate collMod commitTransaction count create createIndexes delete drop " +
    "dropDatabase dropIndexes endSessions explain find findAndModify getMore hello insert killCursors " +
    "listCollections listDatabases listIndexes ping refreshSessions saslContinue saslStart update",
);
const UNSTABLE_FIELDS: Readonly<Record<string, ReadonlySet<string>>> = {
  find: fields(
    "min max returnKey showRecordId tailable oplogReplay noCursorTimeout awaitData allowPartialResults",
  ),
  aggregate: fields("explain exchange"),
  create: fields("autoIndexId idIndex indexOptionDefaults storageEngine capped size max"),
};
const UNSTABLE_STAGES = fields("$currentOp $indexStats $listLocalSessions $listSessions $planCacheStats");

const strict = (reason: string): CommandFault => new CommandFault(323, reason);

/**
 * Checks the Stable API options of a command. Replies are those of version 1 in any case.
 *
 * @throws CommandFault 322 for another version, 323 under `apiStrict` for what is not part of it, 4886600 for
 *   options without a version, 14
 */
export function requireStableApi(args: Arguments, name: string): void {
  const { command } = args;
  if (!command.has("apiVersion")) {
    if (command.has("apiStrict") || command.has("apiDeprecationErrors"))
      throw new CommandFault(
        4886600,
        "Provided apiStrict and/or apiDeprecationErrors without passing apiVersion",
      );
    return;
  }
  if (args.text("apiVersion") !== "1") throw new CommandFault(322, 'API version must be "1"');
  args.strictFlag("apiDeprecationErrors");
  if (args.strictFlag("apiStrict")) requireStable(args, name);
}

function requireStable(args: Arguments, name: string): void {
  if (!STABLE.has(name)) {
    throw strict(
      `Provided apiStrict:true, but the command ${name} is not in API Version 1. Information on supported commands and migrations in API Version 1 can be found at https://dochub.mongodb.org/core/manual-versioned-api`,
    );
  }
  const unstable = UNSTABLE_FIELDS[name];
  for (const field of args.command.keys()) {
    if (unstable?.has(field))
      throw strict(`BSON field '${name}.${field}' is not allowed with apiStrict:true.`);
  }
  const stages = args.value("pipeline");
  if (Array.isArray(stages)) for (const stage of stages) requireStableStage(stage);
}

function requireStableStage(stage: BsonValue): void {
  if (!isDocument(stage)) return;
  for (const [name, operand] of stage) {
    const isUnstable =
      UNSTABLE_STAGES.has(name) ||
      (name === "$collStats" &&
        isDocument(operand) &&
        [...operand.keys()].some((field) => field !== "count"));
    if (isUnstable) throw strict(`stage ${name} is not allowed with 'apiStrict: true' in API Version 1`);
  }
}
