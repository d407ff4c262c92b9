import { CommandFault, unsupported } from "../bson/fault.ts";
import { type BsonDocument, documentOf, isDocument } from "../bson/values.ts";
import { catalogChange, requireCollectionName } from "../engine/catalog.ts";
import type { Collection } from "../engine/collection.ts";
import { type Reply, replyOf } from "../wire/reply.ts";
import { type CommandContext, type CommandTable, findCollection } from "./context.ts";

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

export const collectionCommands: CommandTable = {
  create: { run: create, inTransaction: true, isWrite: true },
  drop: { run: drop, isWrite: true },
  dropDatabase: { run: dropDatabase, isWrite: true },
  renameCollection: { run: renameCollection, isWrite: true, adminOnly: true },
};
