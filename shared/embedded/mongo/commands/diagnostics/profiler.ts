import { hostname } from "node:os";
import { encodeDocument } from "../../bson/encode.ts";
import { CommandFault, unsupported } from "../../bson/fault.ts";
import { BsonDate, type BsonDocument, BsonDouble, documentOf } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import { LazyDocument } from "../../engine/lazy-document.ts";
import type { Operation } from "../../server/activity.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { createCollection } from "../catalog/collections.ts";
import { Arguments } from "../request/arguments.ts";
import { type CommandContext, type CommandTable, type ServerState, timeSliceOf } from "../request/context.ts";
import { newObjectId } from "../write/documents-to-store.ts";
import { PROFILE } from "./profile-name.ts";

/** The oldest entries beyond it are removed, as in the capped collection of a real server. */
const MOST_BYTES = 2 ** 20;
const LONGEST_COMMAND = 50_000;

/** Records operations in `system.profile` of their databases, where the level of the database asks for it. */
export class Profiler {
  slowMs = 100;
  sampleRate = 1;
  readonly #levels = new Map<string, number>();
  readonly #bytes = new WeakMap<Collection, number>();
  #recorded: Promise<void> = Promise.resolve();

  levelOf(database: string): number {
    return this.#levels.get(database) ?? 0;
  }

  setLevel(database: string, level: number): void {
    if (level === 0) this.#levels.delete(database);
    else this.#levels.set(database, level);
  }

  isRecorded({ database, name }: Operation, ms: number): boolean {
    if (this.#levels.size === 0) return false;
    const level = this.levelOf(database);
    if (level === 0 || name === "profile" || (level === 1 && ms < this.slowMs)) return false;
    return this.sampleRate >= 1 || Math.random() < this.sampleRate;
  }

  /** Resolves when the operation's entries can be read. */
  record(
    server: ServerState,
    operation: Operation,
    { reply, ms }: { reply: Reply; ms: number },
  ): Promise<void> {
    const collection = server.engine.catalog.find(operation.database, PROFILE);
    if (collection === undefined) return Promise.resolve();
    const entries = entriesOf(operation, reply, ms);
    this.#recorded = this.#recorded.then(() => this.#store(server, collection, entries));
    return this.#recorded;
  }

  async #store(
    { engine, writeGate }: ServerState,
    collection: Collection,
    entries: BsonDocument[],
  ): Promise<void> {
    if (engine.store.failure !== null || collection.isDropped || !writeGate.tryEnter()) return;
    try {
      const transaction = engine.begin({ isPlain: true });
      let bytes = this.#bytes.get(collection) ?? sizeOf(collection);
      for (const entry of entries) {
        const source = new LazyDocument(encodeDocument(entry));
        collection.insert(transaction, source);
        bytes += source.bytes.length;
      }
      for (const record of collection.records) {
        if (bytes <= MOST_BYTES) break;
        bytes -= record.bytes?.length ?? 0;
        collection.remove(transaction, record);
      }
      this.#bytes.set(collection, bytes);
      await engine.commit(transaction);
    } finally {
      writeGate.leave();
    }
  }
}

function sizeOf({ records }: Collection): number {
  let size = 0;
  for (const { bytes } of records) size += bytes?.length ?? 0;
  return size;
}

/** One entry, or one for each statement of an update or a delete. */
function entriesOf(operation: Operation, { body, cursor }: Reply, ms: number): BsonDocument[] {
  const { name, kind, database, collection, request, client, startedAt } = operation;
  const isFailed = Number((body.get("ok") as BsonDouble | undefined)?.value ?? 1) === 0;
  const entryOf = (command: BsonDocument): BsonDocument =>
    documentOf({
      _id: newObjectId(),
      op: kind,
      ns: `${database}.${collection ?? "$cmd"}`,
      command: shortened(command, name),
      nreturned: cursor?.documents.length,
      cursorid: cursor !== undefined && cursor.id !== 0n ? cursor.id : undefined,
      ok: isFailed ? new BsonDouble(0) : undefined,
      errMsg: isFailed ? body.get("errmsg") : undefined,
      errCode: isFailed ? body.get("code") : undefined,
      millis: Math.floor(ms),
      ts: new BsonDate(startedAt + Math.floor(ms)),
      client: hostname(),
      appName: client.applicationName ?? undefined,
      user: "",
    });
  if (!isFailed && (name === "update" || name === "delete"))
    return new Arguments(request).statements(`${name}s`).map(({ command }) => entryOf(command));
  return [entryOf(request.command)];
}

function shortened(command: BsonDocument, name: string): BsonDocument {
  const shown: BsonDocument = new Map([...command].filter(([field]) => field !== "$clusterTime"));
  return encodeDocument(shown).length <= LONGEST_COMMAND ? shown : documentOf({ $truncated: name });
}

/** `{ profile: <level> }`: -1 only tells what is set. */
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
    await createCollection(context, PROFILE, documentOf({ capped: true, size: MOST_BYTES }));
  } finally {
    writeGate.leave();
  }
}

export const profilerCommands: CommandTable = {
  profile: { run: profile },
};
