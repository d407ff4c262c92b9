import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { ApiTokenView } from "../../../shared/contracts/access-actions.ts";
import { isPermission } from "../../../shared/contracts/permissions.ts";
import { withStoreErrors } from "../../../shared/event-store/orm-errors.ts";
import { toDate } from "../../../shared/event-store/orm-event-rows.ts";
import type { ApiTokenState } from "./api-token.ts";

interface Row {
  readonly id: string;
  readonly user_id: number;
  readonly login: string | null;
  readonly name: string;
  readonly hint: string;
  readonly scopes: readonly string[];
  readonly created_at: Date | string;
  readonly expires_at: Date | string | null;
  readonly last_used_at: Date | string | null;
  readonly revoked_at: Date | string | null;
}

/** A token as it is looked up for a request. */
export interface FoundToken extends ApiTokenState {
  readonly id: string;
  readonly userId: number;
  readonly login: string;
  readonly scopes: readonly string[];
}

export interface NewToken extends Pick<ApiTokenView, "id" | "name" | "hint" | "scopes"> {
  readonly userId: number;
  readonly hash: string;
  readonly createdAt: number;
  readonly expiresAt: number | null;
}

/** The table `auth_api_token`. All methods throw `STORE_UNAVAILABLE`. */
export interface OrmApiTokens {
  add(token: NewToken): Promise<void>;
  /** The token with this hash; its user may not be active. */
  find(hash: string): Promise<FoundToken | null>;
  used(tokenId: string, now: number): Promise<void>;
  ofUser(userId: number): Promise<readonly ApiTokenView[]>;
  /** False where the user has no token with this id that is not revoked. */
  revoke(token: {
    readonly userId: number;
    readonly tokenId: string;
    readonly now: number;
  }): Promise<boolean>;
}

export function ormApiTokens(root: SqlEntityManager): OrmApiTokens {
  const execute = <T>(sql: string, params: unknown[]) =>
    withStoreErrors(root.fork().execute<T[]>(sql, params));
  return {
    async add({ id, userId, name, hash, hint, scopes, createdAt, expiresAt }) {
      await execute(
        `insert into auth_api_token (id, user_id, name, hash, hint, scopes, created_at, expires_at)
         values (?, ?, ?, ?, ?, ?::jsonb, ?, ?)`,
        [
          id,
          userId,
          name,
          hash,
          hint,
          JSON.stringify(scopes),
          new Date(createdAt),
          expiresAt === null ? null : new Date(expiresAt),
        ],
      );
    },

    async find(hash) {
      const [row] = await execute<Row>(
        "select t.*, l.login from auth_api_token t left join auth_login l on l.user_id = t.user_id where t.hash = ?",
        [hash],
      );
      if (!row) return null;
      return {
        id: row.id,
        userId: row.user_id,
        login: row.login ?? "",
        scopes: row.scopes,
        expiresAt: timeOf(row.expires_at),
        revokedAt: timeOf(row.revoked_at),
        lastUsedAt: timeOf(row.last_used_at),
      };
    },

    async used(tokenId, now) {
      await execute("update auth_api_token set last_used_at = ? where id = ?", [new Date(now), tokenId]);
    },

    async ofUser(userId) {
      const rows = await execute<Row>(
        `select * from auth_api_token where user_id = ? and revoked_at is null
         order by created_at desc limit 1000`,
        [userId],
      );
      return rows.map(({ id, name, hint, scopes, created_at, expires_at, last_used_at }) => ({
        id,
        name,
        hint,
        scopes: scopes.filter(isPermission),
        createdAt: toDate(created_at).toISOString(),
        expiresAt: expires_at && toDate(expires_at).toISOString(),
        lastUsedAt: last_used_at && toDate(last_used_at).toISOString(),
      }));
    },

    async revoke({ userId, tokenId, now }) {
      const rows = await execute(
        "update auth_api_token set revoked_at = ? where id = ? and user_id = ? and revoked_at is null returning id",
        [new Date(now), tokenId, userId],
      );
      return rows.length > 0;
    },
  };
}

function timeOf(time: Date | string | null): number | null {
  return time === null ? null : toDate(time).getTime();
}
