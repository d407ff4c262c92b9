import type { Collection, Db, Filter } from "mongodb";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import type { OutboxDocument } from "../../shared/event-store/mongo-outbox-store.ts";
import { isGone } from "../../shared/process-identity.ts";
import type { Inspected, Inspection, InspectionRequest } from "./inspection.ts";
import { duration, table } from "./text.ts";

/** `outbox`: how far each process has published its events. */
export const outbox: Inspection = {
  name: "outbox",
  summary: "events that are stored and not published yet, by the process that wrote them",
  takesId: false,
  defaultLimit: null,
  inspect,
};

async function inspect(db: Db, { now }: InspectionRequest): Promise<Inspected> {
  const documents = await db
    .collection<OutboxDocument>("outboxes")
    .find({}, { sort: { service: 1, _id: 1 } })
    .toArray();
  const events = db.collection<EventDocument>("events");
  const rows = await Promise.all(documents.map((document) => rowOf(document, events)));
  return { json: { outboxes: rows }, lines: linesOf(rows, now) };
}

async function rowOf(document: OutboxDocument, events: Collection<EventDocument>) {
  const { _id: writer, service, pid, host, position, pending, seen_at } = document;
  const unpublished: Filter<EventDocument> = {
    $or: [{ _id: { $in: [...pending] } }, { _id: { $gt: position }, writer }],
  };
  const [count, oldest] = await Promise.all([
    events.countDocuments(unpublished),
    events.findOne(unpublished, { sort: { _id: 1 } }),
  ]);
  return {
    writer,
    service,
    pid,
    host,
    hasEnded: isGone(document),
    checkpoint: position,
    checkpointedAt: seen_at.toISOString(),
    unpublished: count,
    oldest: oldest && {
      id: oldest._id,
      type: oldest.type,
      stream: oldest.stream,
      time: oldest.time.toISOString(),
    },
  };
}

function linesOf(rows: readonly Awaited<ReturnType<typeof rowOf>>[], now: number): readonly string[] {
  if (rows.length === 0)
    return ["No outbox: no process has written events, or all have published theirs and ended."];
  const header = ["SERVICE", "WRITER", "PROCESS", "UNPUBLISHED", "OLDEST"];
  const cells = rows.map(({ service, writer, pid, host, hasEnded, unpublished, oldest }) => [
    service,
    writer,
    `${pid} on ${host}${hasEnded ? " (ended)" : ""}`,
    String(unpublished),
    oldest ? `${oldest.type} of ${oldest.stream}, ${duration(now - Date.parse(oldest.time))} ago` : "",
  ]);
  return [
    ...table([header, ...cells]),
    "Checkpoints are stored twice a second; events published since then still count. Without NATS an event counts until",
    "its consumers have handled it: task.due until its run has ended.",
  ];
}
