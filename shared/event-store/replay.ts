import { isDeepStrictEqual } from "node:util";
import type { Collection, Db, Document, ObjectId } from "mongodb";
import { eventIdAt } from "../ids.ts";
import type { EventDocument } from "./event-document.ts";
import type { OutboxDocument } from "./mongo-outbox-store.ts";
import { unsentOf, type WrittenEvent } from "./mongo-unsent-events.ts";

/** A read model's document as rebuilt from events, with its id; null if the events delete it. */
export interface Replayed {
  readonly id: string;
  readonly document: Document | null;
  /** The event that has to be received before the document is written; absent if it has been received. */
  readonly awaits?: WrittenEvent;
  /** What a stored document should be without the events of other streams that it does not contain yet. */
  readonly lagging?: (stored: Document) => Lagging;
}

/** A document before some events, and these events. */
export interface Lagging {
  readonly document: Document;
  readonly awaits: readonly SentEvent[];
}

/** An event without a writer came over the bus. */
type SentEvent = Pick<WrittenEvent, "id"> & Partial<WrittenEvent>;

/** One read model: its collection, and how it is rebuilt from events. */
export interface ReadModel {
  readonly collection: string;
  /** Fields that depend on the configuration rather than on events. */
  readonly ignored: readonly string[];
  replay(events: Collection<EventDocument>): AsyncIterable<readonly Replayed[]>;
}

/** A document that differs from what its events define; `awaited`: an event is still on its way, which is not a fault. */
export interface Difference {
  readonly collection: string;
  readonly id: string;
  readonly fault: "missing" | "unexpected" | "differs" | "awaited";
  readonly fields: readonly string[];
}

/** A dispatched run or a skip is on the bus for a moment before it is recorded, or for some seconds in a backlog. */
const ON_THE_BUS_MS = 10_000;

/**
 * The events of all streams of one kind, stream by stream and in order. None is kept in memory: a stream may have
 * millions.
 */
export function eventsOf(
  events: Collection<EventDocument>,
  kind: "task" | "run" | "operation",
): AsyncIterable<EventDocument> {
  // `-` is followed by `.` in every encoding that MongoDB sorts strings by.
  const query = { stream: { $gte: `${kind}-`, $lt: `${kind}.` } };
  return events.find(query, { sort: { stream: 1, version: 1 } });
}

/** Groups items into arrays of a length; the last one may be shorter. */
export async function* inChunks<T>(items: AsyncIterable<T>, length: number): AsyncIterable<readonly T[]> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < length) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Compares the stored documents with what their events define, and returns each difference. */
export async function* compare(db: Db, model: ReadModel): AsyncIterable<Difference> {
  const { collection: name, ignored } = model;
  const collection = db.collection<Document & { _id: ObjectId }>(name);
  const seen = new Set<string>();
  for await (const replayed of model.replay(db.collection<EventDocument>("events"))) {
    const ids = replayed.flatMap(({ document }) => (document ? [document._id as ObjectId] : []));
    const stored = new Map<string, Document>();
    for await (const document of collection.find({ _id: { $in: ids } }))
      stored.set(String(document._id), document);
    const isAwaited = await awaitedOf(
      db,
      replayed.filter(({ id }) => !stored.has(id)),
    );
    for (const { id, document, lagging } of replayed) {
      if (document === null) continue;
      seen.add(id);
      const found = stored.get(id);
      const fields = found ? differingFields(document, found, ignored) : [];
      if (!found) yield { collection: name, id, fault: isAwaited.has(id) ? "awaited" : "missing", fields };
      else if (fields.length > 0) {
        const isLagging = await lags(db, found, { lagging: lagging?.(found), ignored });
        yield { collection: name, id, fault: isLagging ? "awaited" : "differs", fields };
      }
    }
  }
  // Documents of the Python original have no version and no events.
  for await (const { _id } of collection.find({ version: { $exists: true } }, { projection: { _id: 1 } })) {
    if (!seen.has(String(_id))) yield { collection: name, id: String(_id), fault: "unexpected", fields: [] };
  }
}

/** Ids of the documents whose event is still on its way. */
async function awaitedOf(db: Db, missing: readonly Replayed[]): Promise<ReadonlySet<string>> {
  const events = missing.flatMap(({ awaits }) => awaits ?? []);
  const inTransit = await inTransitOf(db, events);
  return new Set(missing.filter(({ awaits }) => awaits && inTransit.has(awaits.id)).map(({ id }) => id));
}

/** Whether a stored document lacks only events that are still on their way. */
async function lags(
  db: Db,
  stored: Document,
  { lagging, ignored }: { readonly lagging: Lagging | undefined; readonly ignored: readonly string[] },
): Promise<boolean> {
  if (!lagging || differingFields(lagging.document, stored, ignored).length > 0) return false;
  const inTransit = await inTransitOf(db, lagging.awaits);
  return lagging.awaits.every(({ id }) => inTransit.has(id));
}

/**
 * Ids of those events that an outbox still has to send, or has sent a moment before the newest event: then they are on
 * the bus, as in a copy of a running system.
 */
async function inTransitOf(db: Db, events: readonly SentEvent[]): Promise<ReadonlySet<string>> {
  if (events.length === 0) return new Set();
  const written = events.flatMap(({ id, writer }) => (writer === undefined ? [] : [{ id, writer }]));
  const unsent = await unsentOf(db.collection<OutboxDocument>("outboxes"), written);
  const newest = await db.collection<EventDocument>("events").findOne({}, { sort: { _id: -1 } });
  const under = eventIdAt((newest?.time.getTime() ?? 0) - ON_THE_BUS_MS);
  return new Set(events.map(({ id }) => id).filter((id) => unsent.has(id) || id >= under));
}

/** Rebuilds the read model in a collection of its own. Returns its name and the number of documents. */
export async function rebuild(db: Db, model: ReadModel): Promise<{ collection: string; count: number }> {
  const collection = db.collection(`${model.collection}_replayed`);
  await collection.deleteMany({});
  let count = 0;
  for await (const replayed of model.replay(db.collection<EventDocument>("events"))) {
    const documents = replayed.flatMap(({ document }) => (document === null ? [] : [document]));
    if (documents.length > 0) await collection.insertMany(documents, { ignoreUndefined: true });
    count += documents.length;
  }
  return { collection: collection.collectionName, count };
}

function differingFields(expected: Document, found: Document, ignored: readonly string[]): string[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...names].filter(
    (name) => name !== "_id" && !ignored.includes(name) && !isDeepStrictEqual(expected[name], found[name]),
  );
}
