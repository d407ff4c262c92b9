import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { DomainEnvelope } from "../contracts/catalogue.ts";
import { fromEventDocument, toEventDocument } from "./event-document.ts";
import type { StoredEvent } from "./event-store.ts";

/** An event as stored in the table `kinit_event`: the envelope without what never varies, and its position. */
export interface EventRow {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  /** The outbox that publishes it; null for events that the bus delivered. */
  readonly writer: string | null;
  /** Text where it was read: MikroORM leaves the times of plain statements as they come. */
  readonly time: Date | string;
  /** The other members of the envelope. */
  readonly envelope: Readonly<Record<string, unknown>>;
}

export function toEventRow(event: DomainEnvelope, version: number, writer: string | null): EventRow {
  const { _id: id, stream, time, version: _, ...envelope } = toEventDocument(event, version);
  return { id, stream, version, writer, time, envelope };
}

export function fromEventRow({ id, stream, version, time, envelope }: EventRow): StoredEvent {
  return fromEventDocument({ ...envelope, _id: id, stream, version, time: toDate(time) } as never);
}

/** A time of PostgreSQL, such as `2026-01-05 08:00:00.5+00`, with an offset of hours or of hours and minutes. */
export function toDate(time: Date | string): Date {
  if (typeof time !== "string") return time;
  return new Date(time.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
}

/** One insert for all events of a transaction. */
export async function insertEvents(em: SqlEntityManager, rows: readonly EventRow[]): Promise<void> {
  if (rows.length === 0) return;
  const values = rows.map(() => "(?, ?, ?, ?, ?, ?::jsonb)").join(", ");
  const params = rows.flatMap(({ id, stream, version, writer, time, envelope }) => [
    id,
    stream,
    version,
    writer,
    time,
    JSON.stringify(envelope),
  ]);
  await em.execute(
    `insert into kinit_event (id, stream, version, writer, time, envelope) values ${values}`,
    params,
  );
}

export async function storedIds(em: SqlEntityManager, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await em.execute<{ id: string }[]>(
    `select id from kinit_event where id in (${ids.map(() => "?").join(", ")})`,
    [...ids],
  );
  return new Set(rows.map(({ id }) => id));
}
