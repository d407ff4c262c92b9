import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { CommandFault, unsupported } from "../bson/fault.ts";
import { type BsonDocument, BsonDouble } from "../bson/values.ts";
import type { InjectedFailure } from "../server/fail-points.ts";
import { signedTime } from "../session/cluster-time.ts";
import { type ClientState, CloseConnection } from "../wire/connection.ts";
import { asFault, faultReply, type Reply } from "../wire/reply.ts";
import type { Request } from "../wire/request.ts";
import { profileEntries } from "./diagnostics/profile-entries.ts";
import { requireStableApi } from "./request/api-version.ts";
import { Arguments } from "./request/arguments.ts";
import { type CheckedCommand, requireWriteConcern, writeConcernErrorFor } from "./request/concerns.ts";
import type { CommandDefinition, ServerState } from "./request/context.ts";
import { labelsFor, RETRYABLE_CODES, type Situation } from "./request/error-labels.ts";
import { requireKnownFields } from "./request/known-fields.ts";
import { unsupportedFeature } from "./request/unsupported-commands.ts";
import { endsTransaction, runInSession } from "./session/run-in-session.ts";
import { commandTable } from "./table.ts";

/** Executes one request: finds the command, runs it in its session, and completes the reply. */
export async function dispatch(server: ServerState, request: Request, client: ClientState): Promise<Reply> {
  const name = request.command.keys().next().value;
  const situation: Situation = { name: name ?? "", inTransaction: false, isRetryable: false };
  const operation = server.activity.begin(request, client);
  let injected: InjectedFailure | null = null;
  let executed: CheckedCommand | null = null;
  let reply: Reply;
  try {
    const definition = definitionOf(name);
    injected = server.failPoints.takeCommand(situation.name, {
      applicationName: client.applicationName,
      namespace: `${request.command.get("$db")}.${request.command.get(situation.name)}`,
    });
    const args = new Arguments(request);
    Object.assign(situation, situationOf(args, situation.name));
    if (injected !== null) await injectBefore(injected);
    requireStableApi(args, situation.name);
    requireKnownFields(args, situation.name);
    executed = { definition, args, name: situation.name };
    const result = await runInSession(server, { definition, args, client, name: situation.name });
    reply = completed(server, result, { injected, situation, args, definition });
  } catch (error) {
    if (error instanceof CloseConnection) throw error;
    server.activity.failures += 1;
    const fault = asFault(executed?.definition.isWrite ? await durableCause(server, error) : error);
    const body = faultReply(fault);
    const concernError = executed && writeConcernErrorOfFailed(executed);
    if (concernError) body.set("writeConcernError", concernError);
    const labels = (fault === injected?.fault ? injected.labels : null) ?? labelsFor(fault, situation);
    if (labels.length > 0) body.set("errorLabels", labels);
    reply = { body: withTimes(server, body) };
  } finally {
    server.activity.end(operation, server.engine.catalog);
  }
  const ms = performance.now() - operation.started;
  if (server.profiler.isRecorded(operation, ms))
    await server.profiler.record(server, operation.database, profileEntries(operation, reply, ms));
  return reply;
}

/** Returns the write concern error of a failed command; null if the write concern itself was invalid. */
function writeConcernErrorOfFailed(executed: CheckedCommand): BsonDocument | null {
  if (!takesConcern(executed.definition)) return null;
  try {
    requireWriteConcern(executed);
  } catch {
    return null;
  }
  return writeConcernErrorFor(executed.args);
}

const takesConcern = ({ isWrite, takesWriteConcern }: CommandDefinition): boolean =>
  isWrite === true || takesWriteConcern === true;

/**
 * A duplicate key or a conflict may come from a commit that is not durable yet. Returns the error once that commit
 * is durable, or the failure of that commit.
 */
async function durableCause({ engine }: ServerState, error: unknown): Promise<unknown> {
  try {
    await engine.durable();
    return error;
  } catch (refusal) {
    return refusal;
  }
}

function definitionOf(name: string | undefined): CommandDefinition {
  const definition =
    name === undefined || !Object.hasOwn(commandTable, name) ? undefined : commandTable[name];
  if (definition !== undefined) return definition;
  const feature = unsupportedFeature(name ?? "");
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
  return {
    name,
    inTransaction,
    isRetryable: endsTransaction(name) || (command.has("txnNumber") && !inTransaction),
  };
}

interface Outcome {
  readonly injected: InjectedFailure | null;
  readonly situation: Situation;
  readonly args: Arguments;
  readonly definition: CommandDefinition;
}

/** Adds the common fields of replies: a write concern error if there is one, `ok` and the times. */
function completed(
  server: ServerState,
  reply: Reply,
  { injected, situation, args, definition }: Outcome,
): Reply {
  const { body } = reply;
  const error = injected?.writeConcernError ?? (takesConcern(definition) ? writeConcernErrorFor(args) : null);
  if (error !== null) addWriteConcernError(body, error, injected?.labels ?? null, situation);
  if (!body.has("ok")) body.set("ok", OK);
  withTimes(server, body);
  return reply;
}

function addWriteConcernError(
  body: BsonDocument,
  error: BsonDocument,
  injected: readonly string[] | null,
  { isRetryable }: Situation,
): void {
  // A fail point may contain labels inside the error; a server returns them next to it.
  const inside = error.get("errorLabels");
  error.delete("errorLabels");
  body.set("writeConcernError", error);
  const isWorthRetrying = isRetryable && RETRYABLE_CODES.has(Number(error.get("code")));
  const own = Array.isArray(inside) ? inside : isWorthRetrying ? ["RetryableWriteError"] : [];
  const labels = injected ?? own;
  if (labels.length > 0) body.set("errorLabels", [...labels]);
}

const OK = new BsonDouble(1);

function withTimes({ clusterTime }: ServerState, body: BsonDocument): BsonDocument {
  const now = clusterTime.now();
  body.set("$clusterTime", signedTime(now));
  body.set("operationTime", now);
  return body;
}
