import { randomBytes } from "node:crypto";
import { CommandFault } from "../bson/fault.ts";
import { Binary, type BsonDocument, documentOf } from "../bson/values.ts";
import { Collection } from "./collection.ts";
import type { CollectionIndex } from "./collection-index.ts";
import type { Transaction } from "./transaction.ts";

const UUID_SUBTYPE = 4;

/**
 * The databases and collections that exist, by name. The catalog holds them in memory only; the engine logs
 * changes.
 */
export class Catalog {
  readonly #databases = new Map<string, Map<string, Collection>>();
  #nextId = 1;

  get databaseNames(): string[] {
    return [...this.#databases.keys()];
  }

  /** The collection that the transaction sees under a name, its own uncommitted ones included. */
  find(database: string, name: string, transaction: Transaction | null = null): Collection | undefined {
    if (transaction !== null && transaction.created.size > 0) {
      const own = transaction.created.get(`${database}.${name}`);
      if (own !== undefined) return own;
    }
    return this.#databases.get(database)?.get(name);
  }

  collectionsOf(database: string): Collection[] {
    return [...(this.#databases.get(database)?.values() ?? [])];
  }

  *everyCollection(): Generator<Collection> {
    for (const collections of this.#databases.values()) yield* collections.values();
  }

  /** Creates a collection that is not in the catalog yet. */
  prepare(database: string, name: string, options: BsonDocument): Collection {
    requireCollectionName(database, name);
    this.requireOneCase(database);
    return new Collection({ database, name, id: this.#nextId++, uuid: uuidBytes(), options });
  }

  /** @throws CommandFault 13297 if another database has the same name in a different case */
  requireOneCase(database: string): void {
    if (this.#databases.has(database)) return;
    const lower = database.toLowerCase();
    for (const other of this.#databases.keys()) {
      if (other.toLowerCase() !== lower) continue;
      throw new CommandFault(
        13297,
        `db already exists with different case already have: [${other}] trying to create [${database}]`,
      );
    }
  }

  add(collection: Collection): void {
    const collections = this.#databases.get(collection.database) ?? new Map<string, Collection>();
    this.#databases.set(collection.database, collections);
    collections.set(collection.name, collection);
    this.#nextId = Math.max(this.#nextId, collection.id + 1);
  }

  remove(collection: Collection): void {
    const collections = this.#databases.get(collection.database);
    collections?.delete(collection.name);
    if (collections?.size === 0) this.#databases.delete(collection.database);
  }
}

/** Catalog changes as they are stored in the log. */
export const catalogChange = {
  create: ({ id, database, name, uuid, options }: Collection): BsonDocument =>
    documentOf({ op: "create", id, database, name, uuid: new Binary(uuid, UUID_SUBTYPE), options }),
  drop: ({ id }: Collection): BsonDocument => documentOf({ op: "drop", id }),
  rename: ({ id, database, name }: Collection): BsonDocument =>
    documentOf({ op: "rename", id, database, name }),
  options: ({ id, options }: Collection): BsonDocument => documentOf({ op: "options", id, options }),
  index: ({ id }: Collection, { definition }: CollectionIndex): BsonDocument =>
    documentOf({ op: "index", id, definition }),
  dropIndex: ({ id }: Collection, name: string): BsonDocument => documentOf({ op: "dropIndex", id, name }),
};

/** Other names that begin with `system.` are reserved for the server. */
const KNOWN_SYSTEM_NAMES = new Set([
  "system.js",
  "system.users",
  "system.roles",
  "system.version",
  "system.profile",
]);

/** @throws CommandFault 73 */
export function requireDatabaseName(name: string): void {
  if (name.length > 0 && name.length < 64 && !/[/\\. "$\0]/.test(name)) return;
  throw new CommandFault(
    73,
    `Invalid database name: '${name.slice(0, 70)}': it must have 1 to 63 characters and none of / \\ . " $, space or zero`,
  );
}

/** @throws CommandFault 73 */
export function requireCollectionName(database: string, name: string): void {
  requireDatabaseName(database);
  const isValid =
    name.length > 0 &&
    !name.startsWith(".") &&
    !/[$\0]/.test(name) &&
    (!name.startsWith("system.") || KNOWN_SYSTEM_NAMES.has(name)) &&
    Buffer.byteLength(name) < 236 - database.length;
  if (isValid) return;
  throw new CommandFault(
    73,
    `Invalid collection name: '${name.slice(0, 240)}': it must not be empty, start with a dot or with system., hold $ or zero, or exceed 235 bytes with its database`,
  );
}

function uuidBytes(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return new Uint8Array(bytes);
}
