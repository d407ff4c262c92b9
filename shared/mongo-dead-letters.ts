import { type MongoClient, MongoError } from "mongodb";
import type { DeadLetter } from "./bus/bus.ts";
import type { Config } from "./config.ts";
import { StoreUnavailable } from "./event-store/event-store.ts";
import { connectMongo, databaseName } from "./event-store/open-event-store.ts";

/** Where the local bus puts what could not be handled: the collection `dead_letters`. */
export interface DeadLetterStore {
  /** Storing the same letter twice stores it once. Errors: `STORE_UNAVAILABLE`, retryable; any other is a refusal for good. */
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

/** Codes of a server that will not take this document: BadValue, a validator, larger than 16 MiB. */
const REFUSALS = new Set<unknown>([2, 121, 10_334]);

/** True for what the server, or the driver before it, refuses in this very letter; a full disk for example passes. */
function isRefusal(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return false;
  return !(error instanceof MongoError) || REFUSALS.has(error.code);
}
