import { ensureIndexes, type IndexedCollection, indexes } from "../migrations/mongo/indexes.ts";
import type { Config } from "../shared/config.ts";
import { withDatabase } from "./reach-store.ts";

/**
 * Prepares the database of the platform for this version: checks its schema version and creates all indexes. It can be
 * repeated, and services of the version before may run meanwhile.
 *
 * @throws AppError `STORE_TOO_NEW`, and as `withDatabase`
 */
export async function migrateCommand(config: Config, print: (line: string) => void): Promise<void> {
  const collections = Object.keys(indexes) as readonly IndexedCollection[];
  await withDatabase(config, (db) => ensureIndexes(db, collections));
  print(`the indexes of ${collections.join(", ")} are there`);
}
