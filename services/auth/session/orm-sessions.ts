import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { SessionView } from "../../../shared/contracts/access-actions.ts";
import type { SessionEvent } from "../../../shared/contracts/session-events.ts";
import type { StateStore } from "../../../shared/event-store/command-handler-options.ts";
import type { Versioned } from "../../../shared/event-store/decide-batch.ts";
import { withStoreErrors } from "../../../shared/event-store/orm-errors.ts";
import { toDate } from "../../../shared/event-store/orm-event-rows.ts";
import { emOf } from "../../../shared/event-store/orm-transaction.ts";
import type { SessionCommand, SessionState } from "./session.ts";

interface Row {
  readonly id: string;
  readonly user_id: number;
  readonly generation: number;
  readonly refreshed_by: string | null;
  readonly address: string;
  readonly device: string;
  readonly started_at: Date | string;
  readonly used_at: Date | string;
  readonly expires_at: Date | string;
  readonly is_ended: boolean;
  readonly version: number;
}

/** The table `auth_session`. All methods throw `STORE_UNAVAILABLE`. */
export interface OrmSessions extends StateStore<SessionState, SessionCommand, SessionEvent> {
  /** The open sessions of a user, the newest first. */
  ofUser(userId: number, now: number): Promise<readonly SessionView[]>;
  /** Removes sessions that ended or expired before an instant. */
  purge(before: number): Promise<void>;
}

export function ormSessions(root: SqlEntityManager): OrmSessions {
  const execute = <T>(sql: string, params: unknown[]) =>
    withStoreErrors(root.fork().execute<T[]>(sql, params));
  return {
    async load(ids, { transaction }) {
      const em = transaction ? emOf(transaction) : root.fork();
      const sql = `select * from auth_session where id in (${ids.map(() => "?").join(", ")})`;
      const rows = await withStoreErrors(em.execute<Row[]>(sql, [...ids]));
      return new Map(rows.map((row) => [row.id, stateOf(row)]));
    },

    async write(transaction, changes) {
      const em = emOf(transaction);
      for (const { id, before, after, version, decided } of changes) {
        const [{ command } = { command: undefined }] = decided;
        if (before.status === "none" && after.status === "open" && command?.type === "start") {
          const { address, device, now } = command;
          await em.execute(
            `insert into auth_session (id, user_id, generation, refreshed_by, address, device, started_at, used_at,
               expires_at, is_ended, version) values (?, ?, ?, null, ?, ?, ?, ?, ?, false, ?)`,
            [
              id,
              after.userId,
              after.generation,
              address,
              device,
              new Date(now),
              new Date(now),
              new Date(after.expiresAt),
              version,
            ],
          );
        } else if (after.status === "open") {
          await em.execute(
            `update auth_session set generation = ?, refreshed_by = ?, used_at = ?, expires_at = ?, version = ?
             where id = ?`,
            [
              after.generation,
              after.refreshedBy,
              new Date(Math.max(...decided.map(({ command: { now } }) => now))),
              new Date(after.expiresAt),
              version,
              id,
            ],
          );
        } else {
          await em.execute("update auth_session set is_ended = true, version = ? where id = ?", [
            version,
            id,
          ]);
        }
      }
    },

    async ofUser(userId, now) {
      const rows = await execute<Row>(
        `select * from auth_session where user_id = ? and not is_ended and expires_at > ?
         order by started_at desc limit 1000`,
        [userId, new Date(now)],
      );
      return rows.map(({ id, address, device, started_at, used_at, expires_at }) => ({
        id,
        address,
        device,
        startedAt: toDate(started_at).toISOString(),
        usedAt: toDate(used_at).toISOString(),
        expiresAt: toDate(expires_at).toISOString(),
      }));
    },

    async purge(before) {
      await execute("delete from auth_session where expires_at < ?", [new Date(before)]);
    },
  };
}

function stateOf({ user_id: userId, is_ended, generation, ...row }: Row): Versioned<SessionState> {
  const { version, refreshed_by: refreshedBy, expires_at } = row;
  const state: SessionState = is_ended
    ? { status: "ended", userId }
    : { status: "open", userId, generation, refreshedBy, expiresAt: toDate(expires_at).getTime() };
  return { state, version };
}
