import { join } from "node:path";
import type { Db } from "mongodb";
import { recordReadModel } from "../services/records/mongo-replay-records.ts";
import { taskReadModel } from "../services/scheduler/mongo-replay-tasks.ts";
import type { Config } from "../shared/config.ts";
import { startEmbeddedMongo } from "../shared/embedded/mongo/start-embedded-mongo.ts";
import { AppError } from "../shared/errors.ts";
import { connectMongo, databaseName } from "../shared/event-store/open-event-store.ts";
import { compare, type Difference, rebuild } from "../shared/event-store/replay.ts";

type Print = (line: string) => void;

const models = [taskReadModel, recordReadModel];
/** More are counted, not printed. */
const PRINTED = 100;

/** Reads the words after `replay`. Error: `USAGE`. */
export function readReplayArguments(words: readonly string[]): { check: boolean } {
  const unknown = words.find((word) => word !== "--check");
  if (unknown === undefined) return { check: words.length > 0 };
  throw new AppError(`replay knows no argument ${unknown}; it takes --check, or none`, {
    type: "USAGE",
    code: 400,
  });
}

/**
 * `replay`: makes the read models anew from the events, in collections beside them. `replay --check`: compares, names
 * each difference, and answers false where there is any. Without MONGO_DB_URL it opens the embedded store's files.
 */
export async function replayCommand(
  config: Config,
  { check, print }: { check: boolean; print: Print },
): Promise<boolean> {
  const embedded = config.mongoUrl
    ? undefined
    : await startEmbeddedMongo({ dir: join(config.dataDir, "mongo") });
  const connected = embedded ? { ...config, mongoUrl: embedded.url } : config;
  try {
    const client = await connectMongo(connected, "replay");
    try {
      const db = client.db(databaseName(connected));
      return check ? await report(db, print) : await rebuildAll(db, print);
    } finally {
      await client.close();
    }
  } finally {
    await embedded?.close();
  }
}

async function rebuildAll(db: Db, print: Print): Promise<true> {
  for (const model of models) {
    const { collection, count } = await rebuild(db, model);
    print(`${collection}: ${count} documents`);
  }
  return true;
}

async function report(db: Db, print: Print): Promise<boolean> {
  let count = 0;
  let compared = 0;
  for (const model of models) {
    for await (const difference of compare(db, model)) if (++count <= PRINTED) print(inWords(difference));
    compared += await db.collection(model.collection).estimatedDocumentCount();
  }
  if (count > PRINTED) print(`and ${count - PRINTED} more`);
  if (count > 0) print(count === 1 ? "1 difference." : `${count} differences.`);
  else print(`No difference: the read models (${compared} documents) are what the events make of them.`);
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
