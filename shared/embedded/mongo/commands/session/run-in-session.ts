import { CommandFault } from "../../bson/fault.ts";
import { Timestamp } from "../../bson/values.ts";
import { requireDatabaseName } from "../../engine/catalog.ts";
import { TimeSlice } from "../../pacing/time-slice.ts";
import type { Session } from "../../session/session.ts";
import type { Snapshot } from "../../session/snapshots.ts";
import type { ClientState } from "../../wire/connection.ts";
import type { Reply } from "../../wire/reply.ts";
import type { Arguments } from "../request/arguments.ts";
import { requireReadConcern, requireWriteConcern } from "../request/concerns.ts";
import type { CommandContext, CommandDefinition, ServerState } from "../request/context.ts";
import { requireInTransaction, type SessionOptions, sessionOptions } from "./session-options.ts";

/** One command with its typed options, before its session is resolved. */
export interface Incoming {
  readonly definition: CommandDefinition;
  readonly args: Arguments;
  readonly client: ClientState;
  readonly name: string;
}

/**
 * Runs a command in its session: in a transaction, as a retryable write, or by itself.
 *
 * @throws CommandFault of the command, or for an invalid session, number or concern
 */
export async function runInSession(
  server: ServerState,
  { definition, args, client, name }: Incoming,
): Promise<Reply> {
  const database = args.text("$db");
  if (definition.adminOnly && database !== "admin") {
    throw new CommandFault(13, `${name} may only be run against the admin database.`);
  }
  if (database !== "$external") requireDatabaseName(database);
  const lsid = args.value("lsid");
  const session = lsid === undefined ? null : server.sessions.use(lsid);
  const options = sessionOptions(args, { name, definition });
  requireReadConcern({ args, name, definition });
  requireWriteConcern({ args, name, definition });
  const base = {
    server,
    client,
    name,
    database,
    args,
    session,
    number: null,
    transaction: null,
    isRetryable: false,
    snapshot: snapshotFor(args, { server, isAlone: options === null }),
  };
  if (!passesGate(definition, name)) return runEntered(base, { definition, options });
  if (!server.writeGate.tryEnter()) await server.writeGate.enter(new TimeSlice(args.maxTimeMs()));
  try {
    return await runEntered(base, { definition, options });
  } finally {
    server.writeGate.leave();
  }
}

/** Aborting a transaction changes nothing in the store. */
const passesGate = ({ isWrite }: CommandDefinition, name: string): boolean =>
  isWrite === true && name !== "abortTransaction";

async function runEntered(
  base: CommandContext,
  { definition, options }: { definition: CommandDefinition; options: SessionOptions | null },
): Promise<Reply> {
  const { session, name, server } = base;
  if (session === null) return definition.run(base);
  session.running += 1;
  try {
    if (options === null) return await definition.run(base);
    return await session.inTurn(() => definition.run(enterSession(base, { definition, options })));
  } catch (error) {
    // Any error of a statement aborts its transaction, but an error during the commit must not undo it.
    const isStatement = options?.inTransaction && !endsTransaction(name);
    if (isStatement && session.number === options.number) await session.abort(server.engine);
    throw error;
  } finally {
    session.running -= 1;
    session.lastUsed = Date.now();
  }
}

/** Inside a transaction, every read concern reads the transaction's snapshot. */
function snapshotFor(
  args: Arguments,
  { server, isAlone }: { server: ServerState; isAlone: boolean },
): Snapshot | null {
  if (!isAlone || args.value("readConcern") === undefined) return null;
  const concern = args.document("readConcern");
  if (concern.get("level") !== "snapshot") return null;
  const at = concern.get("atClusterTime");
  return at instanceof Timestamp ? server.snapshots.at(at) : server.snapshots.take();
}

function enterSession(
  context: CommandContext,
  { definition, options }: { definition: CommandDefinition; options: SessionOptions },
): CommandContext {
  const { name, server, database } = context;
  const { number, inTransaction, startsTransaction } = options;
  const session = context.session as Session;
  if (!inTransaction) {
    if (!definition.isRetryable) return { ...context, number };
    session.startRetryableWrite(number, server.engine);
    return { ...context, number, isRetryable: true };
  }
  requireInTransaction(name, { definition, database });
  if (definition.inTransactionOnly) return { ...context, number };
  const transaction = startsTransaction
    ? session.startTransaction(number, server.engine)
    : session.continueTransaction(number);
  return { ...context, number, transaction };
}

export const endsTransaction = (name: string): boolean =>
  name === "commitTransaction" || name === "abortTransaction";
