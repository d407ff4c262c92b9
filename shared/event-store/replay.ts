import { isDeepStrictEqual } from "node:util";
import type { Collection, Db, Document, ObjectId } from "mongodb";
import type { EventDocument } from "./event-document.ts";

/** A read model's document made anew from events, under its id; null where the events end its life. */
export interface Replayed {
  readonly id: string;
  readonly document: Document | null;
}

/** One read model: where it stands and how it is made from the events. */
export interface ReadModel {
  readonly collection: string;
  /** Fields that depend on the configuration rather than on events. */
  readonly ignored: readonly string[];
  replay(events: Collection<EventDocument>): AsyncIterable<readonly Replayed[]>;
}

/** A document that is not what its events make of it. */
export interface Difference {
  readonly collection: string;
  readonly id: string;
  readonly fault: "missing" | "unexpected" | "differs";
  readonly fields: readonly string[];
}

/** Streams of one kind, whole and in order, a chunk at a time. */
export async function* streamsOf(
  events: Collection<EventDocument>,
  kind: "task" | "run",
  chunk: number,
): AsyncIterable<readonly (readonly EventDocument[])[]> {
  // `-` is followed by `.` in every encoding that MongoDB sorts strings by.
  const query = { stream: { $gte: `${kind}-`, $lt: `${kind}.` } };
  let streams: EventDocument[][] = [];
  for await (const event of events.find(query, { sort: { stream: 1, version: 1 } })) {
    const current = streams.at(-1);
    if (current?.[0]?.stream === event.stream) {
      current.push(event);
      continue;
    }
    if (streams.length === chunk) {
      yield streams;
      streams = [];
    }
    streams.push([event]);
  }
  if (streams.length > 0) yield streams;
}

/** Compares what stands with what the events make of it, and names each difference. */
export async function* compare(db: Db, model: ReadModel): AsyncIterable<Difference> {
  const { collection: name, ignored } = model;
  const collection = db.collection<Document & { _id: ObjectId }>(name);
  const seen = new Set<string>();
  for await (const replayed of model.replay(db.collection<EventDocument>("events"))) {
    const ids = replayed.flatMap(({ document }) => (document ? [document._id as ObjectId] : []));
    const stored = new Map<string, Document>();
    for await (const document of collection.find({ _id: { $in: ids } }))
      stored.set(String(document._id), document);
    for (const { id, document } of replayed) {
      if (document === null) continue;
      seen.add(id);
      const found = stored.get(id);
      const fields = found ? differingFields(document, found, ignored) : [];
      if (!found || fields.length > 0)
        yield { collection: name, id, fault: found ? "differs" : "missing", fields };
    }
  }
  // What the original wrote has no version and no events.
  for await (const { _id } of collection.find({ version: { $exists: true } }, { projection: { _id: 1 } })) {
    if (!seen.has(String(_id))) yield { collection: name, id: String(_id), fault: "unexpected", fields: [] };
  }
}

/** Writes the read model anew into a collection of its own; answers its name and the number of documents. */
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
