import { compareValues } from "../../bson/compare.ts";
import { CommandFault } from "../../bson/fault.ts";
import { type BsonDocument, documentOf } from "../../bson/values.ts";
import { catalogChange, requireCollectionName } from "../../engine/catalog.ts";
import type { Collection } from "../../engine/collection.ts";
import { PROFILE } from "../../server/profiler.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { type CommandContext, type CommandTable, findCollection } from "../request/context.ts";
import { collectionOptions } from "./collection-options.ts";
import { requireViewPipeline } from "./views.ts";

/**
 * Returns the collection with a name, and creates it if it does not exist. Inside a transaction, only that
 * transaction sees it.
 */
export function ensureCollection(context: CommandContext, name: string): Collection {
  return findCollection(context, name) ?? makeCollection(context, name).collection;
}

function makeCollection(
  { server: { engine }, database, transaction }: CommandContext,
  name: string,
  options: BsonDocument = documentOf({}),
): { collection: Collection; stored: Promise<void> } {
  engine.requireWritableStore();
  const collection = engine.catalog.prepare(database, name, options);
  if (transaction !== null) {
    transaction.created.set(collection.namespace, collection);
    return { collection, stored: Promise.resolve() };
  }
  engine.catalog.add(collection);
  const stored = engine.append([catalogChange.create(collection)], () => {
    collection.isDropped = true;
    engine.catalog.remove(collection);
  });
  // A following write is stored after this change, so it reports a failure of either.
  stored.catch(() => {});
  return { collection, stored };
}

/** Creates a collection; resolves when that is stored. */
export const createCollection = (
  context: CommandContext,
  name: string,
  options: BsonDocument,
): Promise<void> => makeCollection(context, name, options).stored;

async function create(context: CommandContext): Promise<Reply> {
  const { args, database } = context;
  const name = args.collection();
  const options = collectionOptions(args);
  const existing = context.server.engine.catalog.find(database, name, context.transaction);
  if (existing !== undefined) {
    // Since 7.0, creating an identical collection is no error, except in a transaction.
    if (context.transaction === null && compareValues(existing.options, options) === 0) return replyOf({});
    throw new CommandFault(48, `Collection already exists. NS: ${database}.${name}`);
  }
  if (options.has("viewOn")) {
    if (context.transaction !== null)
      throw new CommandFault(263, "Cannot create a view in a multi-document transaction.");
    requireViewPipeline(context, name, options);
  }
  await makeCollection(context, name, options).stored;
  return replyOf({});
}

/** @throws CommandFault 73 for a collection that only the server may write */
export function requireUserCollection(database: string, name: string): void {
  if (name === PROFILE) throw new CommandFault(73, `cannot write to ${database}.${name}`);
}

/** Removes collections at once; resolves when that is stored. */
export async function dropCollections(
  { server: { engine } }: CommandContext,
  dropped: readonly Collection[],
): Promise<void> {
  engine.requireWritableStore();
  for (const collection of dropped) await engine.waitForWriters(collection);
  const present = dropped.filter(({ isDropped }) => !isDropped);
  for (const collection of present) {
    collection.isDropped = true;
    engine.catalog.remove(collection);
  }
  await engine.append(present.map(catalogChange.drop), () => {
    for (const collection of present) {
      collection.isDropped = false;
      engine.catalog.add(collection);
    }
  });
}

async function drop(context: CommandContext): Promise<Reply> {
  const name = context.args.collection();
  requireCollectionName(context.database, name);
  const collection = context.server.engine.catalog.find(context.database, name);
  // Since 7.0, dropping a missing collection is no error.
  if (collection === undefined) return replyOf({});
  if (name === PROFILE && context.server.profiler.levelOf(context.database) !== 0)
    throw new CommandFault(20, `turn off profiling before dropping ${PROFILE} collection`);
  await dropCollections(context, [collection]);
  killCursorsOf(context, [collection.namespace]);
  return replyOf({
    nIndexesWas: collection.view === null ? collection.indexes.length : undefined,
    ns: collection.namespace,
  });
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
  if (collection.view !== null)
    throw new CommandFault(166, `cannot rename view: ${from.database}.${from.name}`);
  requireCollectionName(to.database, to.name);
  engine.catalog.requireOneCase(to.database);
  const target = engine.catalog.find(to.database, to.name);
  if (target === collection) throw new CommandFault(20, "Can't rename a collection to itself");
  if (target !== undefined) {
    if (!args.flag("dropTarget")) throw new CommandFault(48, "target namespace exists");
    await dropCollections(context, [target]);
  }
  await engine.waitForWriters(collection);
  const rename = (name: Name) => {
    engine.catalog.remove(collection);
    Object.assign(collection, name);
    engine.catalog.add(collection);
  };
  rename(to);
  await engine.append([catalogChange.rename(collection)], () => rename(from));
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
