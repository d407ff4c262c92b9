import type { Db } from "mongodb";
import { AppError } from "../../shared/errors.ts";
import { type EventDocument, fromEventDocument } from "../../shared/event-store/event-document.ts";
import type { StoredEvent } from "../../shared/event-store/event-store.ts";
import type { Inspected, Inspection, InspectionRequest } from "./inspection.ts";
import { counted, jsonLine, table } from "./text.ts";

/** `stream`: what happened to one task, run or hot list. */
export const stream: Inspection = {
  name: "stream",
  summary: "the newest events of a task or a run, by its id or by the name of its stream",
  takesId: true,
  defaultLimit: 50,
  inspect,
};

async function inspect(db: Db, { id, limit }: InspectionRequest): Promise<Inspected> {
  const events = db.collection<EventDocument>("events");
  for (const name of candidates(id)) {
    const total = await events.countDocuments({ stream: name });
    if (total === 0) continue;
    const newest = await events.find({ stream: name }, { sort: { version: -1 }, limit }).toArray();
    const shown = newest.reverse().map(fromEventDocument);
    return { json: { stream: name, total, events: shown }, lines: linesOf(name, total, shown) };
  }
  throw new StreamNotFound(id);
}

/** An id alone belongs to a task or to a run. */
const candidates = (id: string): readonly string[] =>
  /^[0-9a-f]{24}$/.test(id) ? [`task-${id}`, `run-${id}`] : [id];

function linesOf(name: string, total: number, events: readonly StoredEvent[]): readonly string[] {
  const earlier = total - events.length;
  return [
    `${name}: ${counted(total, "event")}`,
    ...(earlier > 0 ? [`${counted(earlier, "earlier event")}; --limit 0 shows all`] : []),
    ...table(events.map(({ version, time, type, data }) => [String(version), time, type, jsonLine(data)])),
  ];
}

class StreamNotFound extends AppError {
  constructor(id: string) {
    super(
      `There are no events of '${id}'. Expected the id of a task or a run, or a stream such as task-<id>, run-<id> or hotlist-<site>. The events of runs are purged with their records.`,
      { type: "STREAM_NOT_FOUND" },
    );
  }
}
