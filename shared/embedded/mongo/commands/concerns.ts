import { CommandFault, unsupported } from "../bson/fault.ts";
import { type BsonDocument, documentOf } from "../bson/values.ts";
import { type Arguments, numberOf } from "./arguments.ts";

const LEVELS = new Set(["local", "available", "majority", "linearizable", "snapshot"]);

/**
 * Checks a command's read concern. Every level but `snapshot` reads the newest state here: there is one node.
 *
 * @throws CommandFault 2 for an unknown level, 72 for one on a later statement of a transaction, 115 for
 *   snapshot reads outside of a transaction
 */
export function requireReadConcern(args: Arguments, name: string): void {
  if (args.value("readConcern") === undefined) return;
  const concern = args.document("readConcern");
  const level = concern.get("level");
  if (level !== undefined && !(typeof level === "string" && LEVELS.has(level))) {
    throw new CommandFault(2, `unknown read concern level: it must be one of ${[...LEVELS].join(", ")}`);
  }
  const inTransaction = args.command.get("autocommit") === false;
  if (
    inTransaction &&
    !args.flag("startTransaction") &&
    name !== "commitTransaction" &&
    name !== "abortTransaction"
  ) {
    throw new CommandFault(72, "Only the first command in a transaction may specify a readConcern");
  }
  if (level === "snapshot" && !inTransaction) throw unsupported("A snapshot read outside of a transaction");
}

/** What the answer to a write says about a write concern that one node cannot meet; null where it can. */
export function writeConcernErrorFor(args: Arguments): BsonDocument | null {
  if (args.value("writeConcern") === undefined) return null;
  const w = args.document("writeConcern").get("w");
  const nodes = numberOf(w);
  if (nodes !== null && nodes > 1) {
    return documentOf({
      code: 100,
      codeName: "UnsatisfiableWriteConcern",
      errmsg: "Not enough data-bearing nodes",
      errInfo: documentOf({ writeConcern: args.document("writeConcern") }),
    });
  }
  if (typeof w !== "string" || w === "majority") return null;
  return documentOf({
    code: 79,
    codeName: "UnknownReplWriteConcern",
    errmsg: `No write concern mode named '${w}' found in replica set configuration`,
  });
}
