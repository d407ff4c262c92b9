import { Binary, type BsonDocument, BsonDouble, type BsonValue, documentOf } from "../../bson/values.ts";
import type { Collection } from "../../engine/collection.ts";
import { compileMatch } from "../../query/match.ts";
import { type Reply, replyOf } from "../../wire/reply.ts";
import type { CommandContext, CommandTable } from "../request/context.ts";
import { cursorBatchSize, listSource, replyWithCursor } from "../request/cursor-reply.ts";

function describe({ name, options, uuid, view, idIndex }: Collection, isNameOnly: boolean): BsonDocument {
  if (view !== null) {
    const info = documentOf({ readOnly: true });
    return documentOf({ name, type: "view", ...(!isNameOnly && { options, info }) });
  }
  return documentOf({
    name,
    type: "collection",
    ...(!isNameOnly && {
      options,
      info: documentOf({ readOnly: false, uuid: new Binary(uuid, 4) }),
      idIndex: idIndex.definition,
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

/** Bytes of the documents, and an estimate for index entries. */
export function sizeOf({ records, indexes }: Collection): { documents: number; indexes: number } {
  let documents = 0;
  for (const { bytes } of records) documents += bytes?.length ?? 0;
  return { documents, indexes: indexes.reduce((sum, { entries }) => sum + entries.size * 48, 0) };
}

/** Every member of a replica set has these databases. */
const OWN_DATABASES = ["admin", "config", "local"];

function listDatabases({ server, args }: CommandContext): Reply {
  const { catalog } = server.engine;
  const isNameOnly = args.flag("nameOnly");
  const match = compileMatch(args.document("filter"));
  let totalSize = 0;
  const databases: BsonValue[] = [];
  const names = new Set([...catalog.databaseNames, ...OWN_DATABASES]);
  for (const name of [...names].sort()) {
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

export const listingCommands: CommandTable = {
  listCollections: { run: listCollections },
  listDatabases: { run: listDatabases, adminOnly: true },
};
