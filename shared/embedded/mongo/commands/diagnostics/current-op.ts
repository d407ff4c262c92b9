import { hostname } from "node:os";
import { performance } from "node:perf_hooks";
import { BsonDate, type BsonDocument, documentOf } from "../../bson/values.ts";
import { compileMatch } from "../../query/match.ts";
import type { Operation } from "../../server/activity.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import type { CommandContext, CommandTable, ServerState } from "../request/context.ts";

/** The commands in progress, as `currentOp` and `$currentOp` return them. */
export const currentOperations = (server: ServerState): BsonDocument[] =>
  [...server.activity.running].map((operation) => describe(operation, server));

function describe(operation: Operation, server: ServerState): BsonDocument {
  const { id, kind, database, collection, request, client, startedAt, started } = operation;
  const microseconds = Math.floor((performance.now() - started) * 1000);
  return documentOf({
    type: "op",
    host: server.address,
    desc: `conn${client.connectionId}`,
    connectionId: client.connectionId,
    client: hostname(),
    appName: client.applicationName ?? undefined,
    active: true,
    currentOpTime: new BsonDate(startedAt),
    opid: id,
    lsid: request.command.get("lsid"),
    secs_running: BigInt(Math.floor(microseconds / 1_000_000)),
    microsecs_running: BigInt(microseconds),
    op: kind,
    ns: `${database}.${collection ?? "$cmd"}`,
    command: new Map([...request.command].filter(([name]) => name !== "$clusterTime")),
  });
}

/** Fields of the command other than options filter the operations. */
function currentOp({ server, args }: CommandContext): Reply {
  const filter = [...args.command].filter(([name]) => !OPTIONS.has(name));
  const match = compileMatch(new Map(filter));
  const isLocked = server.writeGate.lockCount > 0;
  return replyOf({
    inprog: currentOperations(server).filter(match),
    fsyncLock: isLocked || undefined,
    info: isLocked ? "use db.fsyncUnlock() to terminate the fsync write/snapshot lock" : undefined,
  });
}

const OPTIONS = new Set([
  "currentOp",
  "$all",
  "$ownOps",
  "$truncateOps",
  "$db",
  "$readPreference",
  "$clusterTime",
  "lsid",
  "comment",
  "maxTimeMS",
  "readConcern",
  "apiVersion",
  "apiStrict",
  "apiDeprecationErrors",
]);

export const currentOpCommands: CommandTable = {
  currentOp: { run: currentOp },
};
