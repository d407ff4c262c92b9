import { CommandFault } from "../../bson/fault.ts";
import { Binary, type BsonValue, isDocument } from "../../bson/values.ts";
import type { Session } from "../../session/session.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import type { CommandContext, CommandTable } from "../request/context.ts";

function requireSession({ session, number, name }: CommandContext): { session: Session; number: bigint } {
  if (session !== null && number !== null) return { session, number };
  throw new CommandFault(125, `${name} must be run within a transaction`);
}

async function commitTransaction(context: CommandContext): Promise<Reply> {
  const { session, number } = requireSession(context);
  await session.commit(number, context.server.engine);
  return replyOf({});
}

async function abortTransaction(context: CommandContext): Promise<Reply> {
  const { session, number } = requireSession(context);
  session.continueTransaction(number);
  context.server.cursors.killWhere(
    (cursor) => cursor.session === session && cursor.transactionNumber === number,
  );
  await session.abort(context.server.engine);
  return replyOf({});
}

const namedSessions = ({ server, args }: CommandContext, field: string): Session[] =>
  args
    .list(field)
    .map((lsid) => server.sessions.find(withId(lsid)))
    .filter((session) => session !== undefined);

/** `killSessions` identifies sessions by `{ id }`, like the other commands. */
const withId = (lsid: BsonValue): BsonValue => {
  if (isDocument(lsid) && lsid.get("id") instanceof Binary) return lsid;
  throw new CommandFault(14, "sessions are named by { id: <UUID> }");
};

function endSessions(context: CommandContext): Reply {
  const { server, name } = context;
  for (const session of namedSessions(context, name)) {
    server.cursors.killWhere((cursor) => cursor.session === session);
    server.sessions.end(session);
  }
  return replyOf({});
}

function killSessions(context: CommandContext): Reply {
  const { server, name } = context;
  for (const session of namedSessions(context, name)) {
    server.cursors.killWhere((cursor) => cursor.session === session);
    server.sessions.kill(session);
  }
  return replyOf({});
}

function killAllSessions({ server }: CommandContext): Reply {
  server.cursors.killWhere((cursor) => cursor.session !== null);
  server.sessions.abortAll();
  return replyOf({});
}

const startSession = ({ server }: CommandContext): Reply => {
  const id = new Binary(crypto.getRandomValues(new Uint8Array(16)), 4);
  server.sessions.use(new Map([["id", id]]));
  return replyOf({ id: new Map([["id", id]]), timeoutMinutes: 30 });
};

const refreshSessions = (context: CommandContext): Reply => {
  for (const lsid of context.args.list(context.name)) context.server.sessions.use(lsid);
  return replyOf({});
};

const ENDING = { inTransaction: true, inTransactionOnly: true, isWrite: true, adminOnly: true };

export const transactionCommands: CommandTable = {
  commitTransaction: { run: commitTransaction, ...ENDING },
  abortTransaction: { run: abortTransaction, ...ENDING },
  startSession: { run: startSession },
  refreshSessions: { run: refreshSessions },
  endSessions: { run: endSessions },
  killSessions: { run: killSessions },
  killAllSessions: { run: killAllSessions },
  killAllSessionsByPattern: { run: killAllSessions },
};
