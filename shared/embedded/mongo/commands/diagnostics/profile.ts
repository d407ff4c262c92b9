import { CommandFault, unsupported } from "../../bson/fault.ts";
import { BsonDouble, documentOf } from "../../bson/values.ts";
import { MAX_PROFILE_BYTES, PROFILE } from "../../server/profiler.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { createCollection } from "../catalog/collections.ts";
import { type CommandContext, type CommandTable, timeSliceOf } from "../request/context.ts";

/** `{ profile: <level> }`: -1 returns the settings and changes nothing. */
async function profile(context: CommandContext): Promise<Reply> {
  const { args, database, server } = context;
  const { profiler } = server;
  const level = args.number("profile", -1);
  const filter = args.value("filter");
  if (filter !== undefined && filter !== "unset") throw unsupported("A filter of the profiler");
  const slowMs = args.number("slowms", profiler.slowMs);
  const sampleRate = args.number("sampleRate", profiler.sampleRate);
  if (!(sampleRate >= 0 && sampleRate <= 1))
    throw new CommandFault(2, "'sampleRate' must be between 0.0 and 1.0 inclusive");
  const was = profiler.levelOf(database);
  const before = { was, slowms: profiler.slowMs, sampleRate: new BsonDouble(profiler.sampleRate) };
  if (level === 1 || level === 2) await requireProfile(context);
  if (level === 0 || level === 1 || level === 2) profiler.setLevel(database, level);
  profiler.slowMs = slowMs;
  profiler.sampleRate = sampleRate;
  return replyOf(before);
}

async function requireProfile(context: CommandContext): Promise<void> {
  const { server, database } = context;
  if (server.engine.catalog.find(database, PROFILE) !== undefined) return;
  const { writeGate } = server;
  if (!writeGate.tryEnter()) await writeGate.enter(timeSliceOf(context));
  try {
    await createCollection(context, PROFILE, documentOf({ capped: true, size: MAX_PROFILE_BYTES }));
  } finally {
    writeGate.leave();
  }
}

export const profileCommands: CommandTable = {
  profile: { run: profile },
};
