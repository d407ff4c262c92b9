import type { MikroORM } from "@mikro-orm/postgresql";
import { migrations } from "../../../migrations/postgres/migrations.ts";
import { AppError } from "../../../shared/errors.ts";
import type { Log } from "../../../shared/log.ts";
import { type DatabaseConfig, openDatabase } from "./open-database.ts";

/** The schema of the database is not the one of this version. */
export class SchemaMismatch extends AppError {
  constructor(difference: "behind" | "newer", names: readonly string[]) {
    super(
      difference === "behind"
        ? `The schema of PostgreSQL lacks the migrations ${names.join(", ")}; apply them with: npm run kinit -- migrate`
        : `The schema of PostgreSQL has the migrations ${names.join(", ")} of a newer version; run that version or restore a backup.`,
      { type: "SCHEMA_MISMATCH", data: { difference, migrations: names } },
    );
  }
}

/** Applies the missing migrations, all or none; returns their names. @throws SchemaMismatch for a newer schema */
export async function migrate(orm: MikroORM): Promise<readonly string[]> {
  await refuseNewer(orm);
  const applied = await orm.migrator.up();
  return applied.map(({ name }) => name);
}

/** @throws SchemaMismatch unless the schema is the one of this version */
export async function requireSchema(orm: MikroORM): Promise<void> {
  await refuseNewer(orm);
  const missing = await orm.migrator.getPending();
  if (missing.length > 0)
    throw new SchemaMismatch(
      "behind",
      missing.map(({ name }) => name),
    );
}

/**
 * Applies the missing migrations to the database of the configuration: `npm run kinit -- migrate`.
 *
 * @throws SchemaMismatch for a newer schema, and as `openDatabase`
 */
export async function migrateDatabase(
  config: DatabaseConfig,
  log: Pick<Log, "info"> = QUIET,
): Promise<readonly string[]> {
  const database = await openDatabase(config, log);
  try {
    return await migrate(database.orm);
  } finally {
    await database.close();
  }
}

const QUIET = { info: () => {} };

async function refuseNewer(orm: MikroORM): Promise<void> {
  const known = new Set(migrations.map(({ name }) => name));
  const executed = await orm.migrator.getExecuted();
  const newer = executed.map(({ name }) => name).filter((name) => !known.has(name));
  if (newer.length > 0) throw new SchemaMismatch("newer", newer);
}
