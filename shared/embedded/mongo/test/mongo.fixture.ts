import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { type Db, MongoClient, type MongoClientOptions } from "mongodb";
import { type EmbeddedMongo, type EmbeddedMongoStats, startEmbeddedMongo } from "../start-embedded-mongo.ts";

/** Set it to run the suites that real servers pass, too, against a real server. */
export const realServerUrl = process.env.MONGO_DB_URL;

export interface TestMongo {
  readonly url: string;
  readonly client: MongoClient;
  /** A database of this test file, dropped at the end. */
  readonly db: Db;
  connect(options?: MongoClientOptions): Promise<MongoClient>;
  /** Diagnostics of the embedded server; null for a real one. */
  stats(): EmbeddedMongoStats | null;
}

/** A server for the tests of one file: a real one if configured, else a new embedded one. */
export function mongoForTests(): TestMongo {
  const clients: MongoClient[] = [];
  let server: EmbeddedMongo | null = null;
  let url = "";
  let client: MongoClient;
  let db: Db;
  const connect = async (options: MongoClientOptions = {}) => {
    const connected = await new MongoClient(url, options).connect();
    clients.push(connected);
    return connected;
  };
  before(async () => {
    if (realServerUrl === undefined) server = await startEmbeddedMongo({ memory: true });
    url = realServerUrl ?? server!.url;
    client = await connect();
    db = client.db(`test-${randomBytes(6).toString("hex")}`);
  });
  after(async () => {
    await db?.dropDatabase();
    for (const open of clients) await open.close();
    await server?.close();
  });
  return {
    connect,
    stats: () => server?.stats() ?? null,
    get url() {
      return url;
    },
    get client() {
      return client;
    },
    get db() {
      return db;
    },
  };
}

/** A directory that is removed after the tests of the file. */
export function directoryForTests(): { readonly path: string } {
  let path = "";
  before(async () => {
    path = await mkdtemp(join(tmpdir(), "kinit-mongo-"));
  });
  after(() => rm(path, { recursive: true, force: true }));
  return {
    get path() {
      return path;
    },
  };
}
