import { ensureIndexes, type IndexedCollection, indexes } from "../migrations/mongo/indexes.ts";
import type { Config } from "../shared/config.ts";
import { withDatabase } from "./reach-store.ts";

/**
 * Prepares the databases of the platform for this version: checks the schema version of MongoDB and creates all indexes,
 * and applies the migrations of PostgreSQL. It can be repeated, and services of the version before may run meanwhile.
 *
 * @throws AppError `STORE_TOO_NEW`, `SCHEMA_MISMATCH`, and as `withDatabase`
 */
export async function migrateCommand(config: Config, print: (line: string) => void): Promise<void> {
  const collections = Object.keys(indexes) as readonly IndexedCollection[];
  await withDatabase(config, (db) => ensureIndexes(db, collections));
  print(`the indexes of ${collections.join(", ")} are there`);
  if (!config.ormEnable) return;
  if (!config.ormDatabaseUrl) {
    print("the embedded PostgreSQL is migrated when it starts");
    return;
  }
  const { migrateDatabase } = await import("../services/auth/store/open-migrations.ts");
  const applied = await migrateDatabase(config);
  print(applied.length > 0 ? `applied ${applied.join(", ")}` : "the schema of PostgreSQL is up to date");
}
