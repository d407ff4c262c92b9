import { join } from "node:path";
import { recordReadModel } from "../services/records/mongo-replay-records.ts";
import { taskReadModel } from "../services/scheduler/mongo-replay-tasks.ts";
import type { Config } from "../shared/config.ts";
import { startEmbeddedMongo } from "../shared/embedded/mongo/start-embedded-mongo.ts";
import { connectMongo, databaseName } from "../shared/event-store/open-event-store.ts";
import { compare, type Difference, rebuild } from "../shared/event-store/replay.ts";

const models = [taskReadModel, recordReadModel];
/** More are counted, not printed. */
const PRINTED = 100;

/**
 * `replay`: makes the read models anew from the events, in collections beside them. `replay --check`: compares, names
 * each difference, and answers false where there is any. Without MONGO_DB_URL it opens the embedded store's files.
 */
export async function replayCommand(
  config: Config,
  { check, print }: { check: boolean; print: (line: string) => void },
) {
  const embedded = config.mongoUrl
    ? undefined
    : await startEmbeddedMongo({ dir: join(config.dataDir, "mongo") });
  const connected = embedded ? { ...config, mongoUrl: embedded.url } : config;
  const client = await connectMongo(connected, "replay");
  const db = client.db(databaseName(connected));
  try {
    if (check) return await report(db, print);
    for (const model of models) {
      const { collection, count } = await rebuild(db, model);
      print(`${collection}: ${count} documents`);
    }
    return true;
  } finally {
    await client.close();
    await embedded?.close();
  }
}

async function report(db: Parameters<typeof compare>[0], print: (line: string) => void): Promise<boolean> {
  let count = 0;
  for (const model of models) {
    for await (const difference of compare(db, model)) if (++count <= PRINTED) print(inWords(difference));
  }
  print(
    count === 0
      ? "No difference: the read models are what the events make of them."
      : `${count} differences.`,
  );
  return count === 0;
}

function inWords({ collection, id, fault, fields }: Difference): string {
  switch (fault) {
    case "missing":
      return `${collection} ${id}: the events make a document that is not there`;
    case "unexpected":
      return `${collection} ${id}: there is a document that no event accounts for`;
    case "differs":
      return `${collection} ${id}: differs in ${fields.join(", ")}`;
  }
}
