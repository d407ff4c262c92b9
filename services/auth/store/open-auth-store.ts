import type { SqlEntityManager } from "@mikro-orm/postgresql";
import type { Bus } from "../../../shared/bus/bus.ts";
import type { Clock } from "../../../shared/clock.ts";
import type { Config } from "../../../shared/config.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import {
  type OrmCommandOutcomes,
  ormCommandOutcomes,
} from "../../../shared/event-store/orm-command-outcomes.ts";
import { ormEventStore } from "../../../shared/event-store/orm-event-store.ts";
import { ormOutboxStore } from "../../../shared/event-store/orm-outbox-store.ts";
import { createOutbox, type Outbox } from "../../../shared/event-store/outbox.ts";
import type { Log } from "../../../shared/log.ts";
import { thisProcess } from "../../../shared/process-identity.ts";
import { type DatabaseConfig, openDatabase } from "./open-database.ts";
import { migrate, requireSchema } from "./open-migrations.ts";

export type StoreConfig = DatabaseConfig & Pick<Config, "natsUrl">;

/** The connection of the auth service to PostgreSQL, with the event store and the outbox on it. */
export interface AuthStore {
  /** The root: units of work are forks of it, or come from a transaction by `emOf`. */
  readonly em: SqlEntityManager;
  readonly events: EventStore;
  readonly outcomes: OrmCommandOutcomes;
  readonly outbox: Outbox;
  /** Rejects if the embedded PostgreSQL ends by itself. Never settles for a server. */
  readonly failed: Promise<never>;
  /** Stops the outbox, then closes the connection and the embedded PostgreSQL. */
  close(): Promise<void>;
}

export interface AuthStoreOptions {
  readonly config: StoreConfig;
  readonly bus: Pick<Bus, "send">;
  readonly clock: Clock;
  readonly log: Log;
}

/** A server confirms within milliseconds; in one process an event is confirmed when it has been handled. */
const WINDOW = 1000;

/**
 * Opens the store and starts its outbox. The embedded PostgreSQL is migrated; a server must have the schema of this
 * version.
 *
 * @throws PostgresUnreachable, SchemaMismatch, AppError `DATA_DIRECTORY_UNUSABLE`
 */
export async function openAuthStore({ config, bus, clock, log }: AuthStoreOptions): Promise<AuthStore> {
  const database = await openDatabase(config, log);
  const { orm, em } = database;
  try {
    await (database.isEmbedded ? migrate(orm) : requireSchema(orm));
    const writer = `auth-${thisProcess.boot}`;
    const outbox = createOutbox({
      store: ormOutboxStore({ em, service: "auth", writer, clock }),
      log,
      clock,
      send: (event, { resent }) => bus.send(event, { resent }),
      window: WINDOW,
    });
    await outbox.start();
    return {
      em,
      events: ormEventStore({ em, outbox, clock, log }),
      outcomes: ormCommandOutcomes(em),
      outbox,
      failed: database.failed,
      async close() {
        await outbox.stop();
        await database.close();
      },
    };
  } catch (error) {
    await database.close().catch(() => {});
    throw error;
  }
}
