import { CommandFault } from "../../bson/fault.ts";
import { documentOf } from "../../bson/values.ts";
import { type ServerCursor, takeBatch } from "../../server/cursors.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { type CommandContext, type CommandTable, timeSliceOf } from "../request/context.ts";

async function getMore(context: CommandContext): Promise<Reply> {
  const { server, args, database } = context;
  const id = cursorIdOf(args.value("getMore"));
  const name = args.text("collection");
  if (name === "") throw new CommandFault(73, "Collection names cannot be empty");
  const namespace = `${database}.${name}`;
  const batchSize = args.count("batchSize", 0) || Number.POSITIVE_INFINITY;
  const cursor = server.cursors.find(id, namespace);
  requireSameOwner(cursor, context);
  if (args.maxTimeMs() > 0)
    throw new CommandFault(2, "cannot set maxTimeMS on getMore command for a non-awaitData cursor");
  try {
    const { documents, isLast } = await takeBatch(cursor, batchSize, timeSliceOf(context));
    const isOver = isLast || cursor.source.isDone === true;
    if (isOver) server.cursors.kill(id);
    return {
      body: documentOf({}),
      cursor: { field: "nextBatch", id: isOver ? 0n : id, namespace, documents },
    };
  } catch (error) {
    server.cursors.kill(id);
    throw error;
  }
}

function requireSameOwner(cursor: ServerCursor, { session, number, transaction }: CommandContext): void {
  const given = transaction === null ? null : number;
  if (cursor.isBusy) throw new CommandFault(12051, `cursor id ${cursor.id} is already in use`);
  if (cursor.session !== session) {
    throw new CommandFault(50738, `Cannot run getMore on cursor ${cursor.id}: it belongs to another session`);
  }
  if (cursor.transactionNumber !== given) {
    throw new CommandFault(
      50741,
      `Cannot run getMore on cursor ${cursor.id}: it belongs to another transaction`,
    );
  }
}

function killCursors({ server, args }: CommandContext): Reply {
  const ids = args.list("cursors").map(cursorIdOf);
  const killed = ids.filter((id) => server.cursors.kill(id));
  return replyOf({
    cursorsKilled: killed,
    cursorsNotFound: ids.filter((id) => !killed.includes(id)),
    cursorsAlive: [],
    cursorsUnknown: [],
  });
}

function cursorIdOf(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  throw new CommandFault(14, "a cursor id must be a 64-bit integer");
}

export const cursorCommands: CommandTable = {
  // Drivers repeat the read concern of a snapshot session here, but the cursor has its own view.
  getMore: { run: getMore, inTransaction: true, readsAt: "every level" },
  killCursors: { run: killCursors, inTransaction: true },
};
