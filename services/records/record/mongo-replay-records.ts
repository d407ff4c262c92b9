import type { Collection } from "mongodb";
import { type EventDocument, fromEventDocument } from "../../../shared/event-store/event-document.ts";
import { eventsOf, inChunks, type ReadModel, type Replayed } from "../../../shared/event-store/replay.ts";
import { foldRecord, type RecordedEvent, type RunRecord, recordIdOf } from "./record.ts";
import { toDocument } from "./record-document.ts";

const CHUNK = 1000;

/** The records as `task.due`, `task.skipped` and the runs' own streams define them. */
export const recordReadModel: ReadModel = {
  collection: "scheduler_task_record",
  // The settings decide when a run counts as lost.
  ignored: ["open_until"],
  async *replay(events) {
    for await (const sources of inChunks(sourcesOf(events), CHUNK)) yield await recordsOf(events, sources);
  },
};

/** Each `task.skipped`, and the `task.due` of each first attempt, starts a record. */
async function* sourcesOf(events: Collection<EventDocument>): AsyncIterable<EventDocument> {
  for await (const event of eventsOf(events, "task"))
    if (event.type === "task.skipped" || (event.type === "task.due" && isFirst(event))) yield event;
}

const isFirst = ({ data }: EventDocument) => (data as { readonly attempt: number }).attempt === 1;

async function recordsOf(
  events: Collection<EventDocument>,
  sources: readonly EventDocument[],
): Promise<Replayed[]> {
  const first = sources.map((source) => fromEventDocument(source) as RecordedEvent);
  const streams = await runStreams(events, first.map(recordIdOf));
  return first.map((source, position) => {
    const id = recordIdOf(source);
    const own = streams.get(id) ?? [];
    const record = [source, ...own].reduce<RunRecord | null>(foldRecord, null) as RunRecord;
    const document = toDocument(record, { version: own.length, openUntil: new Date(0) });
    const { _id, writer } = sources[position] as EventDocument;
    return own.length > 0 || !writer ? { id, document } : { id, document, awaits: { id: _id, writer } };
  });
}

async function runStreams(
  events: Collection<EventDocument>,
  ids: readonly string[],
): Promise<Map<string, RecordedEvent[]>> {
  const query = { stream: { $in: ids.map((id) => `run-${id}`) } };
  const streams = new Map<string, RecordedEvent[]>();
  for await (const document of events.find(query, { sort: { stream: 1, version: 1 } })) {
    const id = document.stream.slice("run-".length);
    const stream = streams.get(id) ?? [];
    stream.push(fromEventDocument(document) as RecordedEvent);
    streams.set(id, stream);
  }
  return streams;
}
