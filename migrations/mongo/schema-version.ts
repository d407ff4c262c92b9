import type { Db } from "mongodb";
import { AppError } from "../../shared/errors.ts";

/**
 * Version of what is stored. It is increased when a program of an earlier version would misread the data, not when fields
 * or collections are added.
 */
export const SCHEMA_VERSION = 1;

interface SchemaDocument {
  readonly _id: "kinit";
  readonly version: number;
}

const DUPLICATE_KEY = 11_000;

/**
 * Checks that this program may use a database, and records the version of a new one.
 *
 * @throws AppError `STORE_TOO_NEW` if a later version of the platform has converted the data
 */
export async function requireSchemaVersion(db: Db): Promise<void> {
  const schema = db.collection<SchemaDocument>("schema");
  const found = await schema.findOne({ _id: "kinit" });
  if (!found) {
    await schema.insertOne({ _id: "kinit", version: SCHEMA_VERSION }).catch((error: { code?: unknown }) => {
      // Another service has recorded it at the same time.
      if (error.code !== DUPLICATE_KEY) throw error;
    });
    return;
  }
  if (found.version <= SCHEMA_VERSION) return;
  throw new AppError(
    `The data in the database ${db.databaseName} has the schema version ${found.version}, and this program reads up to ${SCHEMA_VERSION}: start the version of kinit-fast-task that wrote it, or a later one, or restore a backup from before the upgrade.`,
    { type: "STORE_TOO_NEW" },
  );
}
