import { startEmbeddedMongo } from "@kinit/embedded-mongo";
import { type Db, MongoClient } from "mongodb";

/** A MongoDB server for one test file. */
export interface TestMongo {
  readonly url: string;
  readonly port: number;
  readonly client: MongoClient;
  readonly db: Db;
  close(): Promise<void>;
}

/** Starts an embedded server in memory and connects to it. */
export async function startTestMongo(): Promise<TestMongo> {
  const server = await startEmbeddedMongo({ memory: true });
  const client = await new MongoClient(server.url, { ignoreUndefined: true }).connect();
  return {
    url: server.url,
    port: server.port,
    client,
    db: client.db("kinit"),
    async close() {
      await client.close();
      await server.close();
    },
  };
}
