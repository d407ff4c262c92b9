import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { Clock } from "../clock.ts";
import { type ProcessIdentity, thisProcess } from "../process-identity.ts";
import { endedWriters } from "./ended-writers.ts";
import { type EventRow, fromEventRow, storedIds, toDate } from "./orm-event-rows.ts";
import type { Checkpoint } from "./outbox-position.ts";
import type { OutboxStore } from "./outbox-store.ts";

/** A row of `kinit_outbox`: a writer, which process it is, and its checkpoint. */
export interface OutboxRow {
  readonly writer: string;
  readonly service: string;
  readonly process: ProcessIdentity;
  readonly position: string;
  readonly pending: readonly string[];
  readonly seen_at: Date | string;
}

export interface OrmOutboxStoreOptions {
  readonly em: SqlEntityManager;
  readonly service: string;
  /** Unique for this process and service. */
  readonly writer: string;
  readonly clock: Clock;
  /** A writer on another host whose row has not changed for this long, by this process's own clock, has ended. */
  readonly silenceMs?: number;
}

const SEEN_EVERY_MS = 5000;

/** The outbox's rows on PostgreSQL. */
export function ormOutboxStore(options: OrmOutboxStoreOptions): OutboxStore {
  const { em: root, service, writer, clock, silenceMs } = options;
  let written = "";
  let writtenAt = 0;
  const execute = <T = unknown>(sql: string, params: unknown[]) => root.fork().execute<T[]>(sql, params);

  const ended = endedWriters(silenceMs);
  const hasEnded = (row: OutboxRow) =>
    ended.hasEnded({ ...row.process, id: row.writer, seenAt: toDate(row.seen_at).getTime() });

  const write = ({ position, pending }: Checkpoint) =>
    execute(
      `insert into kinit_outbox (writer, service, process, position, pending, seen_at)
       values (?, ?, ?::jsonb, ?, ?::jsonb, ?)
       on conflict (writer) do update set position = excluded.position, pending = excluded.pending,
         process = excluded.process, seen_at = excluded.seen_at`,
      [
        writer,
        service,
        JSON.stringify(thisProcess),
        position,
        JSON.stringify(pending),
        new Date(clock.now()),
      ],
    );
  const others = () =>
    execute<OutboxRow>("select * from kinit_outbox where service = ? and writer <> ? order by writer", [
      service,
      writer,
    ]);
  const rowOf = async (of: string) =>
    (await execute<OutboxRow>("select * from kinit_outbox where writer = ?", [of]))[0];

  return {
    writer,

    async register(position) {
      await write({ position, pending: [] });
    },

    async checkpoint(checkpoint) {
      const mark = `${checkpoint.position} ${checkpoint.pending.join()}`;
      if (mark === written && clock.now() - writtenAt < SEEN_EVERY_MS) return;
      await write(checkpoint);
      written = mark;
      writtenAt = clock.now();
    },

    others: async () => (await others()).map((row) => row.writer),
    abandoned: async () => (await others()).filter(hasEnded).map((row) => row.writer),

    async *unsent(of, chunk) {
      const outbox = await rowOf(of);
      if (!outbox) return;
      const { pending, position } = outbox;
      if (pending.length > 0) {
        const left = await execute<EventRow>(
          `select * from kinit_event where id in (${pending.map(() => "?").join(", ")}) order by id`,
          [...pending],
        );
        yield left.map(fromEventRow);
      }
      for (let after = position; ; ) {
        const rows = await execute<EventRow>(
          "select * from kinit_event where writer = ? and id > ? order by id limit ?",
          [of, after, chunk],
        );
        if (rows.length > 0) yield rows.map(fromEventRow);
        if (rows.length < chunk) return;
        after = (rows.at(-1) as EventRow).id;
      }
    },

    stored: (ids) => storedIds(root.fork(), ids),

    async remove(of) {
      await execute("delete from kinit_outbox where writer = ?", [of]);
    },

    async removeEnded(of) {
      const found = await rowOf(of);
      if (!found || !hasEnded(found)) return;
      await execute("delete from kinit_outbox where writer = ? and seen_at = ?", [of, found.seen_at]);
      ended.remove(of);
    },
  };
}
