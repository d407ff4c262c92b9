import type { MongoClient } from "mongodb";
import type { DeadLetter } from "./bus/bus.ts";
import type { Config } from "./config.ts";
import { connectMongo, databaseName } from "./event-store/open-event-store.ts";

/** Where the local bus puts what could not be handled: the collection `dead_letters`. */
export interface DeadLetterStore {
  /** Storing the same letter twice stores it once. */
  store(letter: DeadLetter): Promise<void>;
  close(): Promise<void>;
}

/** Connects when the first letter comes, which should be never. */
export function mongoDeadLetters(config: Pick<Config, "mongoUrl" | "mongoDatabase">): DeadLetterStore {
  let connecting: Promise<MongoClient> | undefined;
  const connect = () => {
    connecting ??= connectMongo(config, "dead-letters").catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return connecting;
  };
  return {
    async store({ id, ...letter }) {
      const letters = (await connect()).db(databaseName(config)).collection<{ _id: string }>("dead_letters");
      await letters.updateOne({ _id: id }, { $setOnInsert: letter }, { upsert: true });
    },
    async close() {
      await (await connecting)?.close();
    },
  };
}
