import { type MongoClient, MongoError } from "mongodb";
import type { DeadLetter } from "./bus/bus.ts";
import type { Config } from "./config.ts";
import { StoreUnavailable } from "./event-store/event-store.ts";
import { connectMongo, databaseName } from "./event-store/open-event-store.ts";

/** Stores events that a group of the local bus could not handle, in the collection `dead_letters`. */
export interface DeadLetterStore {
  /**
   * Stores a letter once, however often it is called.
   *
   * @throws `STORE_UNAVAILABLE` (retryable); any other error means that the letter can never be stored
   */
  store(letter: DeadLetter): Promise<void>;
  close(): Promise<void>;
}

/** Connects with the first letter, which should never come. */
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
      try {
        const client = await connect();
        const letters = client.db(databaseName(config)).collection<{ _id: string }>("dead_letters");
        await letters.updateOne({ _id: id }, { $setOnInsert: letter }, { upsert: true });
      } catch (error) {
        throw isRefusal(error) || error instanceof StoreUnavailable ? error : new StoreUnavailable(error);
      }
    },
    async close() {
      await (await connecting)?.close();
    },
  };
}

/** Codes with which a server rejects a document for good: BadValue, a validator, larger than 16 MiB. */
const REFUSALS = new Set<unknown>([2, 121, 10_334]);

/** True if the server or the driver rejects this letter for good; false for example for a full disk. */
function isRefusal(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return false;
  return !(error instanceof MongoError) || REFUSALS.has(error.code);
}
