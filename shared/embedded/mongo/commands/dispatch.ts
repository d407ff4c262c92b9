import { setTimeout as sleep } from "node:timers/promises";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { type BsonDocument, BsonDouble, type BsonValue, isDocument } from "../bson/values.ts";
import type { InjectedFailure } from "../fail-points.ts";
import { signedTime } from "../session/cluster-time.ts";
import type { Session } from "../session/session.ts";
import { type ClientState, CloseConnection } from "../wire/connection.ts";
import { asFault, faultReply, type Reply } from "../wire/reply.ts";
import type { Request } from "../wire/request.ts";
import { Arguments } from "./arguments.ts";
import { requireReadConcern, writeConcernErrorFor } from "./concerns.ts";
import type { CommandContext, CommandDefinition, ServerState } from "./context.ts";
import { labelsFor, RETRYABLE_CODES, type Situation } from "./error-labels.ts";
import { refusalOf } from "./refused.ts";
import { commandTable } from "./table.ts";

/** Carries out one request: finds the command, its session and its transaction, and completes the answer. */
export async function dispatch(server: ServerState, request: Request, client: ClientState): Promise<Reply> {
  const name = request.command.keys().next().value;
  const situation: Situation = { name: name ?? "", inTransaction: false, isRetryable: false };
  let injected: InjectedFailure | null = null;
  try {
    const definition = definitionOf(name);
    injected = server.failPoints.takeCommand(situation.name, client.applicationName);
    const args = new Arguments(request);
    Object.assign(situation, situationOf(args, situation.name));
    if (injected !== null) await injectBefore(injected);
    const reply = await runInSession(server, { definition, args, client, name: situation.name });
    return completed(server, reply, { injected, situation, args, definition });
  } catch (error) {
    if (error instanceof CloseConnection) throw error;
    const fault = asFault(error);
    const body = faultReply(fault);
    const labels = (fault === injected?.fault ? injected.labels : null) ?? labelsFor(fault, situation);
    if (labels.length > 0) body.set("errorLabels", labels);
    return { body: withTimes(server, body) };
  }
}

function definitionOf(name: string | undefined): CommandDefinition {
  const definition =
    name === undefined || !Object.hasOwn(commandTable, name) ? undefined : commandTable[name];
  if (definition !== undefined) return definition;
  const feature = refusalOf(name ?? "");
  if (feature !== null) throw unsupported(feature);
  throw new CommandFault(59, `no such command: '${(name ?? "").slice(0, 100)}'`);
}

async function injectBefore({ blockMs, closesConnection, fault }: InjectedFailure): Promise<void> {
  if (blockMs > 0) await sleep(blockMs);
  if (closesConnection) throw new CloseConnection();
  if (fault !== null) throw fault;
}

function situationOf({ command }: Arguments, name: string): Situation {
  const inTransaction = command.get("autocommit") === false;
  const ends = name === "commitTransaction" || name === "abortTransaction";
  return { name, inTransaction, isRetryable: ends || (command.has("txnNumber") && !inTransaction) };
}

interface Incoming {
  readonly definition: CommandDefinition;
  readonly args: Arguments;
  readonly client: ClientState;
  readonly name: string;
}

async function runInSession(
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
    if (
      args.command.get("autocommit") === false &&
      name !== "commitTransaction" &&
      name !== "abortTransaction"
    ) {
      if (session.number === integerOf(args.command.get("txnNumber"))) session.abort(server.engine);
    }
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
  if (name === "commitTransaction" || name === "abortTransaction") return { ...context, number };
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

interface Outcome {
  readonly injected: InjectedFailure | null;
  readonly situation: Situation;
  readonly args: Arguments;
  readonly definition: CommandDefinition;
}

/** Adds what every answer carries: a write concern error where there is one, `ok` and the times. */
function completed(
  server: ServerState,
  reply: Reply,
  { injected, situation, args, definition }: Outcome,
): Reply {
  const { body } = reply;
  const error =
    injected?.writeConcernError ??
    (definition.isWrite || definition.takesWriteConcern ? writeConcernErrorFor(args) : null);
  if (error !== null) {
    body.set("writeConcernError", error);
    const code = Number(error.get("code"));
    const own =
      isDocument(error) && Array.isArray(error.get("errorLabels"))
        ? (error.get("errorLabels") as BsonValue[])
        : null;
    const labels =
      injected?.labels ??
      own ??
      (situation.isRetryable && RETRYABLE_CODES.has(code) ? ["RetryableWriteError"] : []);
    if (labels.length > 0) body.set("errorLabels", labels);
    error.delete("errorLabels");
  }
  if (!body.has("ok")) body.set("ok", OK);
  withTimes(server, body);
  return reply;
}

const OK = new BsonDouble(1);

function withTimes({ clusterTime }: ServerState, body: BsonDocument): BsonDocument {
  const now = clusterTime.now();
  body.set("$clusterTime", signedTime(now));
  body.set("operationTime", now);
  return body;
}
