import type { SqlEntityManager } from "@mikro-orm/postgresql";
import { withStoreErrors } from "../../../shared/event-store/orm-errors.ts";
import { LoginTaken } from "./login-errors.ts";

/** The login of a user. */
export interface StoredLogin {
  readonly userId: number;
  readonly login: string;
  readonly passwordHash: string;
}

/** Logins and password hashes. All methods throw `STORE_UNAVAILABLE`. */
export interface OrmLogins {
  /** The login of an active user, in any case of letters; null where there is none. */
  find(login: string): Promise<StoredLogin | null>;
  /** The login of an active user; null where it has none. */
  ofUser(userId: number): Promise<StoredLogin | null>;
  exists(userId: number): Promise<boolean>;
  /** @throws LoginTaken `LOGIN_TAKEN` */
  set(login: StoredLogin, now: number): Promise<void>;
}

interface Row {
  readonly user_id: number;
  readonly login: string;
  readonly password_hash: string;
}

const ACTIVE = `select l.* from auth_login l join auth_user u on u.id = l.user_id
  where u.is_active and not u.is_delete and`;

export function ormLogins(root: SqlEntityManager): OrmLogins {
  const execute = <T>(sql: string, params: unknown[]) =>
    withStoreErrors(root.fork().execute<T[]>(sql, params));
  const one = async (condition: string, value: unknown) => {
    const [row] = await execute<Row>(`${ACTIVE} ${condition}`, [value]);
    return row ? { userId: row.user_id, login: row.login, passwordHash: row.password_hash } : null;
  };
  return {
    // PostgreSQL has no text with a NUL character, and rejects the message.
    find: async (login) => (login.includes("\0") ? null : one("lower(l.login) = lower(?)", login)),
    ofUser: (userId) => one("l.user_id = ?", userId),
    exists: async (userId) =>
      (await execute("select 1 from auth_user where id = ? and not is_delete", [userId])).length > 0,
    async set({ userId, login, passwordHash }, now) {
      try {
        await execute(
          `insert into auth_login (user_id, login, password_hash, changed_at) values (?, ?, ?, ?)
           on conflict (user_id) do update set login = excluded.login, password_hash = excluded.password_hash,
             changed_at = excluded.changed_at`,
          [userId, login, passwordHash, new Date(now)],
        );
      } catch (error) {
        if ((error as { constraint?: unknown }).constraint === "auth_login_login") throw new LoginTaken();
        throw error;
      }
    },
  };
}
