import type { SqlEntityManager } from "@mikro-orm/postgresql";
import { withStoreErrors } from "../../../shared/event-store/orm-errors.ts";
import { toDate } from "../../../shared/event-store/orm-event-rows.ts";
import { isKeyWanted, newSigningKey, retiredKeys, type StoredKey } from "./signing-keys.ts";

interface Row {
  readonly kid: string;
  readonly x: string;
  readonly d: string;
  readonly created_at: Date | string;
}

/** Signing keys, shared by all processes of the auth service. */
export interface OrmSigningKeys {
  /** @throws `STORE_UNAVAILABLE` if they were not read yet */
  all(): Promise<readonly StoredKey[]>;
  /** Makes the next key in time, and removes keys that no valid token is signed with. */
  rotate(now: number): Promise<void>;
}

/** Any number that no other lock uses: two processes that start together must not make two first keys. */
const LOCK = 7_355_608;
const READ_EVERY_MS = 60_000;

export function ormSigningKeys(root: SqlEntityManager, tokenMs: number): OrmSigningKeys {
  let known: readonly StoredKey[] = [];
  let readAt = Number.NEGATIVE_INFINITY;

  async function read(em: SqlEntityManager): Promise<readonly StoredKey[]> {
    const rows = await em.execute<Row[]>("select * from auth_signing_key order by created_at");
    return rows.map(({ kid, x, d, created_at }) => ({ kid, x, d, createdAt: toDate(created_at).getTime() }));
  }

  return {
    async all() {
      if (performance.now() - readAt < READ_EVERY_MS) return known;
      try {
        known = await withStoreErrors(read(root.fork()));
        readAt = performance.now();
      } catch (error) {
        if (known.length === 0) throw error;
      }
      return known;
    },

    async rotate(now) {
      await withStoreErrors(
        root.fork().transactional(async (em) => {
          await em.execute("select pg_advisory_xact_lock(?)", [LOCK]);
          const keys = await read(em as SqlEntityManager);
          if (isKeyWanted(keys, now)) {
            const { kid, x, d, createdAt } = await newSigningKey(now);
            await em.execute("insert into auth_signing_key (kid, x, d, created_at) values (?, ?, ?, ?)", [
              kid,
              x,
              d,
              new Date(createdAt),
            ]);
          }
          for (const { kid } of retiredKeys(keys, { now, tokenMs }))
            await em.execute("delete from auth_signing_key where kid = ?", [kid]);
        }),
      );
      readAt = Number.NEGATIVE_INFINITY;
    },
  };
}
