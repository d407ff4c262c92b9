import { CommandFault, unsupported } from "../bson/fault.ts";
import {
  Binary,
  type BsonDocument,
  BsonDouble,
  type BsonValue,
  documentOf,
  isDocument,
} from "../bson/values.ts";
import { catalogChange, requireCollectionName } from "../engine/catalog.ts";
import type { Collection } from "../engine/collection.ts";
import { compileMatch } from "../query/match.ts";
import { type Reply, replyOf } from "../wire/reply.ts";
import { type CommandContext, type CommandTable, findCollection } from "./context.ts";
import { cursorBatchSize, listSource, replyWithCursor } from "./cursor-reply.ts";

/** Options of `create` that ask for a kind of collection that only a real server has. */
const REFUSED_OPTIONS: Readonly<Record<string, string>> = {
  capped: "A capped collection",
  viewOn: "A view",
  timeseries: "A time series collection",
  clusteredIndex: "A clustered collection",
  validator: "A validator",
  expireAfterSeconds: "A clustered collection",
  storageEngine: "The option 'storageEngine'",
  encryptedFields: "Queryable encryption",
};

function refuseOptions({ command }: { command: BsonDocument }): void {
  for (const [option, feature] of Object.entries(REFUSED_OPTIONS)) {
    const value = command.get(option);
    const isSet =
      value !== undefined && value !== null && value !== false && !(isDocument(value) && value.size === 0);
    if (isSet) throw unsupported(feature);
  }
  const images = command.get("changeStreamPreAndPostImages");
  if (isDocument(images) && images.get("enabled") === true) throw unsupported("A change stream");
  const collation = command.get("collation");
  if (isDocument(collation) && collation.get("locale") !== "simple")
    throw unsupported("A collection with a default collation");
}

/** The collection under a name, made where there is none: inside a transaction it exists for that one only. */
export function ensureCollection(context: CommandContext, name: string): Collection {
  return findCollection(context, name) ?? makeCollection(context, name).collection;
}

function makeCollection(
  { server: { engine }, database, transaction }: CommandContext,
  name: string,
): { collection: Collection; stored: Promise<void> } {
  engine.requireWritableStore();
  const collection = engine.catalog.prepare(database, name, documentOf({}));
  if (transaction !== null) {
    transaction.created.set(collection.namespace, collection);
    return { collection, stored: Promise.resolve() };
  }
  engine.catalog.add(collection);
  const stored = engine.append([catalogChange.create(collection)]);
  // A write that follows is stored behind this: it reports a failure of either.
  stored.catch(() => {});
  return { collection, stored };
}

async function create(context: CommandContext): Promise<Reply> {
  const { args, database } = context;
  const name = args.collection();
  refuseOptions(args);
  if (findCollection(context, name) !== undefined) {
    throw new CommandFault(48, `Collection ${database}.${name} already exists.`);
  }
  await makeCollection(context, name).stored;
  return replyOf({});
}

/** Removes collections at once; resolves when that is stored. */
export async function dropCollections(
  { server: { engine } }: CommandContext,
  dropped: readonly Collection[],
): Promise<void> {
  engine.requireWritableStore();
  for (const collection of dropped) await engine.settleWriters(collection);
  const changes: BsonDocument[] = [];
  for (const collection of dropped) {
    if (collection.isDropped) continue;
    collection.isDropped = true;
    engine.catalog.remove(collection);
    changes.push(catalogChange.drop(collection));
  }
  await engine.append(changes);
}

async function drop(context: CommandContext): Promise<Reply> {
  const name = context.args.collection();
  requireCollectionName(context.database, name);
  const collection = findCollection(context, name);
  // Since 7.0 dropping what is not there is no error.
  if (collection === undefined) return replyOf({});
  await dropCollections(context, [collection]);
  killCursorsOf(context, [collection.namespace]);
  return replyOf({ nIndexesWas: collection.indexes.length, ns: collection.namespace });
}

async function dropDatabase(context: CommandContext): Promise<Reply> {
  const collections = context.server.engine.catalog.collectionsOf(context.database);
  await dropCollections(context, collections);
  killCursorsOf(
    context,
    collections.map(({ namespace }) => namespace),
  );
  return replyOf({ dropped: context.database });
}

function killCursorsOf({ server }: CommandContext, namespaces: readonly string[]): void {
  server.cursors.killWhere(({ namespace }) => namespaces.includes(namespace));
}

async function renameCollection(context: CommandContext): Promise<Reply> {
  const { args } = context;
  const { engine } = context.server;
  const [from, to] = [args.text("renameCollection"), args.text("to")].map(splitNamespace) as [Name, Name];
  const collection = engine.catalog.find(from.database, from.name);
  if (collection === undefined)
    throw new CommandFault(26, `Source collection ${from.database}.${from.name} does not exist`);
  requireCollectionName(to.database, to.name);
  const target = engine.catalog.find(to.database, to.name);
  if (target === collection) throw new CommandFault(20, "Can't rename a collection to itself");
  if (target !== undefined) {
    if (!args.flag("dropTarget")) throw new CommandFault(48, "target namespace exists");
    await dropCollections(context, [target]);
  }
  await engine.settleWriters(collection);
  engine.catalog.remove(collection);
  Object.assign(collection, to);
  engine.catalog.add(collection);
  await engine.append([catalogChange.rename(collection)]);
  return replyOf({});
}

interface Name {
  readonly database: string;
  readonly name: string;
}

function splitNamespace(namespace: string): Name {
  const dot = namespace.indexOf(".");
  if (dot < 1)
    throw new CommandFault(73, `Invalid namespace '${namespace}': <database>.<collection> is wanted`);
  return { database: namespace.slice(0, dot), name: namespace.slice(dot + 1) };
}

function describe({ name, options, uuid }: Collection, isNameOnly: boolean): BsonDocument {
  return documentOf({
    name,
    type: "collection",
    ...(!isNameOnly && {
      options,
      info: documentOf({ readOnly: false, uuid: new Binary(uuid, 4) }),
      idIndex: documentOf({ v: 2, key: documentOf({ _id: 1 }), name: "_id_" }),
    }),
  });
}

function listCollections(context: CommandContext): Promise<Reply> {
  const { server, args, database } = context;
  const match = compileMatch(args.document("filter"));
  const isNameOnly = args.flag("nameOnly");
  const documents = server.engine.catalog
    .collectionsOf(database)
    .filter((collection) => match(describe(collection, false)))
    .map((collection) => describe(collection, isNameOnly));
  return replyWithCursor(context, {
    namespace: `${database}.$cmd.listCollections`,
    source: listSource(documents),
    batchSize: cursorBatchSize(context),
  });
}

/** Bytes of the documents, and of the index entries by a rough measure. */
export function sizeOf({ records, indexes }: Collection): { documents: number; indexes: number } {
  let documents = 0;
  for (const { bytes } of records) documents += bytes?.length ?? 0;
  return { documents, indexes: indexes.reduce((sum, { entries }) => sum + entries.size * 48, 0) };
}

function listDatabases({ server, args }: CommandContext): Reply {
  const { catalog } = server.engine;
  const isNameOnly = args.flag("nameOnly");
  const match = compileMatch(args.document("filter"));
  let totalSize = 0;
  const databases: BsonValue[] = [];
  for (const name of catalog.databaseNames.sort()) {
    const size = catalog
      .collectionsOf(name)
      .reduce((sum, collection) => sum + sizeOf(collection).documents, 0);
    const described = documentOf({ name, sizeOnDisk: new BsonDouble(size), empty: size === 0 });
    if (!match(described)) continue;
    totalSize += size;
    databases.push(isNameOnly ? documentOf({ name }) : described);
  }
  if (isNameOnly) return replyOf({ databases });
  return replyOf({
    databases,
    totalSize: new BsonDouble(totalSize),
    totalSizeMb: new BsonDouble(Math.floor(totalSize / 2 ** 20)),
  });
}

export const collectionCommands: CommandTable = {
  create: { run: create, inTransaction: true, isWrite: true },
  drop: { run: drop, isWrite: true },
  dropDatabase: { run: dropDatabase, isWrite: true },
  renameCollection: { run: renameCollection, isWrite: true, adminOnly: true },
  listCollections: { run: listCollections },
  listDatabases: { run: listDatabases, adminOnly: true },
};
