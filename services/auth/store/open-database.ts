import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { lockDirectory } from "@kinit/embedded-mongo/directory-lock";
import type { MikroORM, SqlEntityManager } from "@mikro-orm/postgresql";
import type { Config } from "../../../shared/config.ts";
import type { PostgresThread } from "../../../shared/embedded/postgres/start-postgres-thread.ts";
import { AppError, errorMessage } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { openOrm } from "./open-orm.ts";

export type DatabaseConfig = Pick<Config, "ormDatabaseUrl" | "ormDatabaseEcho" | "dataDir">;

/** A database whose schema may be of another version. */
export interface Database {
  readonly orm: MikroORM;
  readonly em: SqlEntityManager;
  readonly isEmbedded: boolean;
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * Connects to `ORM_DATABASE_URL`, or starts the embedded PostgreSQL in `DATA_DIR/postgres` under an exclusive lock.
 *
 * @throws PostgresUnreachable, AppError `DATA_DIRECTORY_UNUSABLE`
 */
export async function openDatabase(config: DatabaseConfig, log: Pick<Log, "info">): Promise<Database> {
  if (config.ormDatabaseUrl) {
    const { orm, em } = await openOrm(config, log);
    return { orm, em, isEmbedded: false, failed: new Promise(() => {}), close: () => orm.close(true) };
  }
  const { thread, close } = await startLocked(join(config.dataDir, "postgres"), log);
  try {
    const { orm, em } = await openOrm(config, log, thread);
    return {
      orm,
      em,
      isEmbedded: true,
      failed: thread.failed,
      async close() {
        await orm.close(true);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** PostgreSQL in a thread takes no lock: two processes on one directory would lose rows. */
async function startLocked(
  directory: string,
  log: Pick<Log, "info">,
): Promise<{ readonly thread: PostgresThread; close(): Promise<void> }> {
  const unusable = (cause: unknown) =>
    new AppError(
      `The data directory ${directory} cannot be used: ${errorMessage(cause)}. DATA_DIR has to be a directory that this user may write.`,
      { type: "DATA_DIRECTORY_UNUSABLE", cause },
    );
  const lock = await lockDirectory({ directory, log: (message) => log.info({}, message) }).catch(
    (cause: unknown) => {
      throw unusable(cause);
    },
  );
  try {
    const { startPostgresThread } = await import(
      "../../../shared/embedded/postgres/start-postgres-thread.ts"
    );
    await removeUnfinished(directory);
    const thread = await startPostgresThread({ directory: join(directory, "cluster"), isHeld: lock.isHeld });
    await writeFile(join(directory, COMPLETE), "");
    return {
      thread,
      async close() {
        await thread.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Written when the first start has succeeded. */
const COMPLETE = "COMPLETE";

/** A first start that was killed leaves files that PostgreSQL takes for a cluster, in which nothing was stored yet. */
async function removeUnfinished(directory: string): Promise<void> {
  if (existsSync(join(directory, COMPLETE))) return;
  await rm(join(directory, "cluster"), { recursive: true, force: true });
}
