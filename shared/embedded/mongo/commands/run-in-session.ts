import { CommandFault } from "../bson/fault.ts";
import type { BsonValue } from "../bson/values.ts";
import type { Session } from "../session/session.ts";
import type { ClientState } from "../wire/connection.ts";
import type { Reply } from "../wire/reply.ts";
import type { Arguments } from "./arguments.ts";
import { requireReadConcern } from "./concerns.ts";
import type { CommandContext, CommandDefinition, ServerState } from "./context.ts";

/** One command with its typed options, before its session is known. */
export interface Incoming {
  readonly definition: CommandDefinition;
  readonly args: Arguments;
  readonly client: ClientState;
  readonly name: string;
}

/**
 * Runs a command in its session: as a statement of a transaction, as a retryable write, or by itself.
 *
 * @throws CommandFault of the command, and those of a session, a number or a concern that do not fit
 */
export async function runInSession(
  server: ServerState,
  { definition, args, client, name }: Incoming,
): Promise<Reply> {
  const database = args.text("$db");
  if (definition.adminOnly && database !== "admin") {
    throw new CommandFault(13, `${name} may only be run against the admin database.`);
  }
  const lsid = args.value("lsid");
  const session = lsid === undefined ? null : server.sessions.use(lsid);
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
  };
  requireReadConcern(args, name);
  if (session === null) {
    if (args.command.has("txnNumber"))
      throw new CommandFault(72, "Transaction number requires a session ID to be specified");
    return definition.run(base);
  }
  session.running += 1;
  try {
    const run = () => definition.run(enterSession(base, definition));
    return await (args.command.has("txnNumber") ? session.inTurn(run) : run());
  } catch (error) {
    // Any error of a statement ends its transaction; a fault on the way to commit must not undo the commit.
    const isStatement = args.command.get("autocommit") === false && !endsTransaction(name);
    if (isStatement && session.number === integerOf(args.command.get("txnNumber")))
      session.abort(server.engine);
    throw error;
  } finally {
    session.running -= 1;
    session.lastUsed = Date.now();
  }
}

function enterSession(context: CommandContext, definition: CommandDefinition): CommandContext {
  const { args, name, server } = context;
  const session = context.session as Session;
  const given = args.value("txnNumber");
  if (given === undefined) {
    if (args.command.has("autocommit"))
      throw new CommandFault(72, "'autocommit' field requires a transaction number to also be specified");
    return context;
  }
  const number = integerOf(given);
  if (number === null || number < 0n) throw new CommandFault(72, "txnNumber must be a non-negative integer");
  if (args.command.get("autocommit") !== false) {
    if (!definition.isWrite) return { ...context, number };
    session.startRetryableWrite(number, server.engine);
    return { ...context, number, isRetryable: true };
  }
  if (endsTransaction(name)) return { ...context, number };
  if (!definition.inTransaction) {
    throw new CommandFault(263, `Cannot run '${name}' in a multi-document transaction.`);
  }
  const transaction = args.flag("startTransaction")
    ? session.startTransaction(number, server.engine)
    : session.continueTransaction(number);
  return { ...context, number, transaction };
}

const integerOf = (value: BsonValue | undefined): bigint | null =>
  typeof value === "bigint"
    ? value
    : typeof value === "number" && Number.isInteger(value)
      ? BigInt(value)
      : null;

export const endsTransaction = (name: string): boolean =>
  name === "commitTransaction" || name === "abortTransaction";
