import { CommandFault } from "../../bson/fault.ts";
import { TimeSlice } from "../../pacing/time-slice.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import type { CommandContext, CommandTable } from "../request/context.ts";

/** Default time that a lock waits for writes in progress. */
const MAX_WAIT_MS = 90_000;

/** Acknowledged writes are durable already. `lock` blocks further writes until the unlock. */
async function fsync({ server, args, transaction }: CommandContext): Promise<Reply> {
  if (!args.flag("lock")) return replyOf({ numFiles: 1 });
  if (transaction !== null) throw new CommandFault(263, "fsync cannot lock in a multi-document transaction");
  await server.writeGate.lock(new TimeSlice(args.maxTimeMs() || MAX_WAIT_MS));
  return replyOf({
    info: "now locked against writes, use db.fsyncUnlock() to unlock",
    lockCount: BigInt(server.writeGate.lockCount),
    seeAlso: "http://dochub.mongodb.org/core/fsynccommand",
  });
}

function fsyncUnlock({ server: { writeGate } }: CommandContext): Reply {
  if (writeGate.lockCount === 0) throw new CommandFault(20, "fsyncUnlock called when not locked");
  writeGate.unlock();
  return replyOf({ info: "fsyncUnlock completed", lockCount: BigInt(writeGate.lockCount) });
}

export const fsyncCommands: CommandTable = {
  fsync: { run: fsync, adminOnly: true },
  fsyncUnlock: { run: fsyncUnlock, adminOnly: true },
};
