import { BSON, type ClientSession, type CollectionInfo, type Db, type MongoClient } from "mongodb";
import { decodeDocument } from "../bson/decode.ts";
import { type BsonDocument, documentOf } from "../bson/values.ts";
import { writeExtendedJson } from "./extended-json-writer.ts";

const OWN_DATABASES = new Set(["admin", "config", "local"]);

/** The key of a line that begins a collection; its documents follow. */
export const COLLECTION_KEY = "$collection";

/**
 * Dumps a server, or one of its databases, with one line per collection and per document. All collections are
 * read from one snapshot, so that a dump during writes is consistent.
 *
 * A server keeps that snapshot for a limited time (`minSnapshotHistoryWindowInSeconds`, five minutes by default;
 * the embedded server as long as it is read). A dump that takes longer fails.
 */
export async function* dumpLines(client: MongoClient, onlyDatabase?: string): AsyncGenerator<string> {
  const { databases } = await client.db("admin").admin().listDatabases({ nameOnly: true });
  const names = databases.map(({ name }) => name).filter((name) => !OWN_DATABASES.has(name));
  const session = client.startSession({ snapshot: true });
  try {
    for (const name of onlyDatabase === undefined ? names.sort() : [onlyDatabase])
      yield* dumpDatabase(client.db(name), session);
  } finally {
    await session.endSession();
  }
}

async function* dumpDatabase(db: Db, session: ClientSession): AsyncGenerator<string> {
  const collections = await db.listCollections({ type: "collection" }, { nameOnly: false }).toArray();
  for (const collection of collections.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (collection.name.startsWith("system.")) continue;
    yield writeExtendedJson(
      documentOf({ [COLLECTION_KEY]: await describe(db, collection as CollectionInfo) }),
    );
    for await (const bytes of db.collection(collection.name).find({}, { raw: true, session })) {
      yield writeExtendedJson(decodeDocument(bytes as unknown as Uint8Array));
    }
  }
}

async function describe(db: Db, { name, options }: CollectionInfo): Promise<BsonDocument> {
  const indexes: BsonDocument[] = [];
  for await (const bytes of db.collection(name).listIndexes({ raw: true })) {
    indexes.push(decodeDocument(bytes as unknown as Uint8Array));
  }
  return documentOf({
    db: db.databaseName,
    name,
    options: plainDocument(options ?? {}),
    indexes: indexes.filter((index) => index.get("name") !== "_id_"),
  });
}

/** Converts the driver's plain object to a document, via BSON. */
function plainDocument(object: object): BsonDocument {
  return decodeDocument(BSON.serialize(object));
}
