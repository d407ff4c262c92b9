import { compareValues } from "../../bson/compare.ts";
import { CommandFault } from "../../bson/fault.ts";
import { typeNameOf } from "../../bson/type-names.ts";
import { type BsonDocument, type BsonValue, isDocument } from "../../bson/values.ts";
import { catalogChange } from "../../engine/catalog.ts";
import type { Collection } from "../../engine/collection.ts";
import { CollectionIndex } from "../../engine/collection-index.ts";
import { buildIndex } from "../../engine/index-build.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import { type CommandContext, type CommandTable, findCollection, timeSliceOf } from "../request/context.ts";
import { cursorBatchSize, listSource, replyWithCursor } from "../request/cursor-reply.ts";
import { ensureCollection } from "./collections.ts";
import { indexDefinition, sameIndex } from "./index-definition.ts";

const MAX_INDEXES = 64;

async function createIndexes(context: CommandContext): Promise<Reply> {
  const { args, transaction } = context;
  const name = args.collection();
  const inherited = findCollection(context, name)?.collation;
  const definitions = args.listOfDocuments("indexes").map((spec) => indexDefinition(spec, inherited));
  if (definitions.length === 0) throw new CommandFault(2, "Must specify at least one index to create");
  const isNew = findCollection(context, name) === undefined;
  const collection = ensureCollection(context, name);
  if (transaction !== null) requireOwnCollection(context, collection);
  const before = collection.indexes.length;
  const added = await addIndexes(context, collection, definitions);
  return replyOf({
    numIndexesBefore: before,
    numIndexesAfter: collection.indexes.length,
    createdCollectionAutomatically: isNew,
    note: added === 0 ? "all indexes already exist" : undefined,
  });
}

/** Inside a transaction, indexes can be created only on collections that the transaction created. */
function requireOwnCollection(
  { transaction, server, database }: CommandContext,
  { name, namespace }: Collection,
): void {
  if (transaction!.created.has(namespace) || server.engine.catalog.find(database, name)?.records.size === 0)
    return;
  throw new CommandFault(
    263,
    `Cannot create new indexes on existing collection ${namespace} in a multi-document transaction.`,
  );
}

/** Builds new indexes one after the other: each is stored before the next begins. */
async function addIndexes(
  context: CommandContext,
  collection: Collection,
  definitions: readonly BsonDocument[],
): Promise<number> {
  const { engine } = context.server;
  const slice = timeSliceOf(context);
  let added = 0;
  for (const definition of definitions) {
    const stands = async () => {
      // Another client is building it: wait for that build, and build it here if it fails.
      while (sameIndex(collection.indexes, definition)?.isReady === false) await slice.pause();
      return sameIndex(collection.indexes, definition) !== undefined;
    };
    // Services create their indexes at each start, which must not wait for transactions that a killed process
    // left open.
    if (await stands()) continue;
    if (context.transaction === null) await engine.waitForWriters(collection);
    if (await stands()) continue;
    if (collection.indexes.length >= MAX_INDEXES) {
      throw new CommandFault(67, `a collection has ${MAX_INDEXES} indexes at most`);
    }
    const index = new CollectionIndex(definition);
    await buildIndex(collection, index, { slice, durable: () => engine.durable() });
    if (context.transaction === null) {
      const change = catalogChange.index(collection, index);
      await engine.append([change], () => {
        collection.indexes = collection.indexes.filter((other) => other !== index);
      });
    }
    added += 1;
  }
  return added;
}

const requireCollection = (context: CommandContext, name: string): Collection => {
  const collection = findCollection(context, name);
  if (collection !== undefined) return collection;
  throw new CommandFault(26, `ns does not exist: ${context.database}.${name}`);
};

function listIndexes(context: CommandContext): Promise<Reply> {
  const collection = requireCollection(context, context.args.collection());
  return replyWithCursor(context, {
    namespace: collection.namespace,
    source: listSource(
      collection.indexes.filter(({ isReady }) => isReady).map(({ definition }) => definition),
    ),
    batchSize: cursorBatchSize(context),
  });
}

async function dropIndexes(context: CommandContext): Promise<Reply> {
  const { args, server } = context;
  const collection = requireCollection(context, args.collection());
  const wanted = args.value("index");
  if (wanted === undefined)
    throw new CommandFault(40414, "BSON field 'dropIndexes.index' is missing but a required field");
  if (typeof wanted !== "string" && !isDocument(wanted) && !Array.isArray(wanted))
    throw new CommandFault(
      14,
      `BSON field 'dropIndexes.index' is the wrong type '${typeNameOf(wanted)}', expected types '[string, object, array]'`,
    );
  const before = collection.indexes.length;
  const dropped =
    wanted === "*" ? collection.indexes.slice(1) : [wanted].flat().map((one) => namedIndex(collection, one));
  if (dropped.includes(collection.idIndex)) throw new CommandFault(72, "cannot drop _id index");
  await server.engine.waitForWriters(collection);
  const { indexes } = collection;
  collection.indexes = indexes.filter((index) => !dropped.includes(index));
  const changes = dropped.map(({ name }) => catalogChange.dropIndex(collection, name));
  await server.engine.append(changes, () => {
    collection.indexes = indexes;
  });
  return replyOf({ nIndexesWas: before });
}

/** @throws CommandFault 27, 181 if several indexes with different collations have this key */
export function namedIndex({ indexes }: Collection, wanted: BsonValue): CollectionIndex {
  const [index, twin] = indexes.filter(({ name, definition }) =>
    isDocument(wanted) ? compareValues(definition.get("key")!, wanted) === 0 : name === wanted,
  );
  if (twin !== undefined)
    throw new CommandFault(181, "several indexes have this key: name the index instead");
  if (index !== undefined) return index;
  const description = typeof wanted === "string" ? `name [${wanted}]` : "this key";
  throw new CommandFault(27, `index not found with ${description}`);
}

export const indexCommands: CommandTable = {
  createIndexes: { run: createIndexes, inTransaction: true, isWrite: true },
  listIndexes: { run: listIndexes },
  dropIndexes: { run: dropIndexes, isWrite: true },
  deleteIndexes: { run: dropIndexes, isWrite: true },
};
