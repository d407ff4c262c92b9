import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Db, MongoClient } from "mongodb";
import type { Config } from "../shared/config.ts";
import { AppError, errorType } from "../shared/errors.ts";
import { MongoUrlFault } from "../shared/event-store/mongo-url-fault.ts";
import { databaseName, MongoUnreachable } from "../shared/event-store/open-event-store.ts";
import { readUrl } from "./published-url.ts";

/** Where a command of an operator finds the data. */
export interface ReachedStore {
  readonly url: string;
  /** The option or setting that the URL comes from, for messages. */
  readonly source: string;
  /** Closes what was opened for the command. */
  close(): Promise<void>;
}

interface Wanted {
  readonly config: Pick<Config, "mongoUrl" | "dataDir">;
  /** Takes precedence over the configuration. */
  readonly url?: string;
  /** Whether a data directory may be created. */
  readonly isForWriting?: boolean;
}

/**
 * The server of `url`, else of MONGO_DB_URL, else the embedded one of DATA_DIR: the server that is running on it, or
 * one that is started for the command and holds the directory's lock meanwhile.
 *
 * @throws AppError `NO_DATA` if the directory does not exist and may not be created; and as `startEmbeddedMongo`
 */
export async function reachStore({ config, url, isForWriting = false }: Wanted): Promise<ReachedStore> {
  const close = async () => {};
  if (url) return { url, source: "--url", close };
  if (config.mongoUrl) return { url: config.mongoUrl, source: "MONGO_DB_URL", close };
  const dir = join(config.dataDir, "mongo");
  if (!isForWriting && !existsSync(dir)) throw new NoData(dir);
  try {
    const { startEmbeddedMongo } = await import("@kinit/embedded-mongo");
    const server = await startEmbeddedMongo({ dir });
    return { url: server.url, source: dir, close: () => server.close() };
  } catch (error) {
    const running = errorType(error) === "MONGO_DIRECTORY_LOCKED" ? await readUrl(dir, error) : undefined;
    if (running === undefined) throw error;
    return { url: running, source: dir, close };
  }
}

/** Connects without the services' time limits, for work that may take long. */
export async function connectTo({ url, source }: Pick<ReachedStore, "url" | "source">): Promise<MongoClient> {
  let client: MongoClient;
  try {
    client = new MongoClient(url, { appName: "kinit", serverSelectionTimeoutMS: 5000 });
  } catch {
    throw new MongoUrlFault("malformed", source);
  }
  try {
    return await client.connect();
  } catch (cause) {
    await client.close().catch(() => {});
    throw new MongoUnreachable(cause, source);
  }
}

/**
 * Calls back with the platform's database, of the configured server or of DATA_DIR.
 *
 * @throws as `reachStore` and `connectTo`, and what the callback throws
 */
export async function withDatabase<T>(
  config: Pick<Config, "mongoUrl" | "mongoDatabase" | "dataDir">,
  work: (db: Db) => Promise<T>,
): Promise<T> {
  const store = await reachStore({ config });
  try {
    const client = await connectTo(store);
    try {
      return await work(client.db(databaseName({ ...config, mongoUrl: store.url })));
    } finally {
      await client.close();
    }
  } finally {
    await store.close();
  }
}

class NoData extends AppError {
  constructor(dir: string) {
    super(`There is no data in ${dir}: set DATA_DIR, or give the server's address with MONGO_DB_URL.`, {
      type: "NO_DATA",
    });
  }
}
