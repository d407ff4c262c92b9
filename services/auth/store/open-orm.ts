import { Migrator } from "@mikro-orm/migrations";
import { MikroORM, type SqlEntityManager } from "@mikro-orm/postgresql";
import { migrations } from "../../../migrations/postgres/migrations.ts";
import type { Config } from "../../../shared/config.ts";
import type { PostgresThread } from "../../../shared/embedded/postgres/start-postgres-thread.ts";
import { errorMessage } from "../../../shared/errors.ts";
import { StoreUnavailable } from "../../../shared/event-store/event-store.ts";
import type { Log } from "../../../shared/log.ts";
import { AuthTestEntity } from "./auth-test-entity.ts";
import { RoleEntity } from "./role-entity.ts";
import { UserEntity } from "./user-entity.ts";

/** Every entity of the auth service. */
const entities = [UserEntity, RoleEntity, AuthTestEntity];

const CONNECT_MS = 5000;
/** Longer than any statement of the service takes. */
const QUERY_MS = 15_000;
const MOST_CONNECTIONS = 10;

export interface OpenOrm {
  readonly orm: MikroORM;
  /** The root: units of work are forks of it. */
  readonly em: SqlEntityManager;
}

/**
 * Connects MikroORM to PostgreSQL: to the thread of the embedded one if given, else to `ormDatabaseUrl`.
 *
 * @throws PostgresUnreachable
 */
export async function openOrm(
  config: Pick<Config, "ormDatabaseUrl" | "ormDatabaseEcho">,
  log: Pick<Log, "info">,
  embedded?: PostgresThread,
): Promise<OpenOrm> {
  const orm = new MikroORM({
    entities,
    extensions: [Migrator],
    debug: config.ormDatabaseEcho,
    logger: (message) => log.info({}, message),
    colors: false,
    migrations: {
      migrationsList: [...migrations],
      tableName: "kinit_migration",
      snapshot: false,
      disableForeignKeys: false,
    },
    ...(embedded ? toThread(embedded) : toServer(config.ormDatabaseUrl)),
  });
  try {
    await orm.connect();
    await orm.em.fork().execute("select 1");
  } catch (cause) {
    await orm.close(true).catch(() => {});
    throw new PostgresUnreachable(cause);
  }
  return { orm, em: orm.em };
}

/** One connection: the embedded PostgreSQL has one session. */
const toThread = ({ connect }: PostgresThread) => ({
  dbName: "postgres",
  user: "postgres",
  pool: { min: 0, max: 1, idleTimeoutMillis: 0 },
  driverOptions: { stream: connect, connectionTimeoutMillis: CONNECT_MS },
});

const toServer = (url: string) => ({
  clientUrl: driverUrl(url),
  pool: { min: 0, max: MOST_CONNECTIONS },
  driverOptions: {
    application_name: "kinit-auth",
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    statement_timeout: QUERY_MS,
    idle_in_transaction_session_timeout: QUERY_MS,
    keepAlive: true,
  },
});

/** The URL as the driver reads it: the Python original names its own driver in the scheme, and TLS in `ssl`. */
export function driverUrl(url: string): string {
  return url
    .replace(/^postgres(ql)?(\+\w+)?:/i, "postgresql:")
    .replace(/([?&])ssl=(disable|allow|prefer|require|verify-ca|verify-full)(?=&|$)/, "$1sslmode=$2");
}

/** No connection could be made; the message states why. */
export class PostgresUnreachable extends StoreUnavailable {
  constructor(cause: unknown) {
    super(cause, `PostgreSQL (ORM_DATABASE_URL) cannot be reached: ${errorMessage(cause)}`);
  }
}
