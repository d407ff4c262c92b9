import type { Collection } from "mongodb";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import { fromEventDocument } from "../../../shared/event-store/event-document.ts";
import { eventsOf, inChunks, type ReadModel, type Replayed } from "../../../shared/event-store/replay.ts";
import { evolve, type RecordedEvent, type RunRecord, recordIdOf } from "./record.ts";
import { toDocument } from "./record-document.ts";

const CHUNK = 1000;

/** The records as orders, skips and the runs' own streams make them. */
export const recordReadModel: ReadModel = {
  collection: "scheduler_task_record",
  // When a run counts as lost depends on the settings.
  ignored: ["open_until"],
  async *replay(events) {
    for await (const causes of inChunks(causesOf(events), CHUNK)) yield await recordsOf(events, causes);
  },
};

/** Orders and skips: each makes a record. */
async function* causesOf(events: Collection<EventDocument>): AsyncIterable<EventDocument> {
  for await (const event of eventsOf(events, "task"))
    if (event.type === "task.due" || event.type === "task.skipped") yield event;
}

async function recordsOf(
  events: Collection<EventDocument>,
  causes: readonly EventDocument[],
): Promise<Replayed[]> {
  const first = causes.map((cause) => fromEventDocument(cause) as unknown as RecordedEvent);
  const streams = await runStreams(events, first.map(recordIdOf));
  return first.map((cause, position) => {
    const id = recordIdOf(cause);
    const own = streams.get(id) ?? [];
    const record = [cause, ...own].reduce<RunRecord | null>(evolve, null) as RunRecord;
    const document = toDocument(record, { version: own.length, openUntil: new Date(0) });
    const { _id, writer } = causes[position] as EventDocument;
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
    stream.push(fromEventDocument(document) as unknown as RecordedEvent);
    streams.set(id, stream);
  }
  return streams;
}
