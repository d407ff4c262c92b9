import type { Collection, Db, Document, MongoClient } from "mongodb";
import { type BsonDocument, documentOf, isDocument } from "../bson/values.ts";
import { EmbeddedMongoError } from "../store/embedded-mongo-error.ts";
import { driverDocument } from "./driver-values.ts";
import { COLLECTION_KEY } from "./dump.ts";
import { readExtendedJson } from "./extended-json-reader.ts";

const BATCH_DOCUMENTS = 1_000;
/** Characters of JSON; about as many bytes of BSON. */
const BATCH_CHARACTERS = 8 * 1024 * 1024;

export interface Restored {
  readonly collections: number;
  readonly documents: number;
}

/**
 * Restores a dump into collections that must not exist yet, each with its indexes.
 *
 * @throws EmbeddedMongoError `RESTORE_TARGET_EXISTS`, `RESTORE_LINE_MALFORMED` with the number of the line
 */
export async function restoreLines(client: MongoClient, lines: AsyncIterable<string>): Promise<Restored> {
  let target: RestoredCollection | null = null;
  let number = 0;
  const total = { collections: 0, documents: 0 };
  for await (const line of lines) {
    number += 1;
    if (line.trim() === "") continue;
    const document = parsed(line, number);
    const header = document.keys().next().value === COLLECTION_KEY ? document.get(COLLECTION_KEY) : undefined;
    if (isDocument(header)) {
      await target?.finish();
      target = await RestoredCollection.begin(client, header);
      total.collections += 1;
    } else if (target === null) {
      throw malformedLine(number, `a line with ${COLLECTION_KEY} must come before the first document`);
    } else {
      await target.add(document, line.length);
      total.documents += 1;
    }
  }
  await target?.finish();
  return total;
}

function parsed(line: string, number: number): BsonDocument {
  try {
    return readExtendedJson(line);
  } catch (cause) {
    throw malformedLine(number, (cause as Error).message);
  }
}

const malformedLine = (line: number, reason: string): EmbeddedMongoError =>
  new EmbeddedMongoError(`line ${line} of the dump: ${reason}`, {
    type: "RESTORE_LINE_MALFORMED",
    code: 400,
    data: { line },
  });

/** An index without a collation would inherit that of its collection. */
const withOwnCollation = (index: BsonDocument): BsonDocument =>
  index.has("collation") ? index : new Map([...index, ["collation", documentOf({ locale: "simple" })]]);

/** One collection during its restore: documents in batches, then indexes. */
class RestoredCollection {
  readonly #db: Db;
  readonly #collection: Collection<Document>;
  readonly #indexes: readonly BsonDocument[];
  #batch: Document[] = [];
  #characters = 0;

  private constructor(db: Db, name: string, indexes: readonly BsonDocument[]) {
    this.#db = db;
    this.#collection = db.collection(name);
    this.#indexes = indexes;
  }

  static async begin(client: MongoClient, header: BsonDocument): Promise<RestoredCollection> {
    const [database, name] = [header.get("db") as string, header.get("name") as string];
    const db = client.db(database);
    const options = header.get("options");
    if ((await db.listCollections({ name }).toArray()).length > 0) {
      throw new EmbeddedMongoError(
        `the collection ${database}.${name} exists already: restore into an empty database, or drop it first`,
        {
          type: "RESTORE_TARGET_EXISTS",
          code: 409,
          data: { database, name },
        },
      );
    }
    const hasCollation = isDocument(options) && options.has("collation");
    const given = isDocument(options) ? Object.fromEntries(driverDocument(options)) : {};
    await db.command({ create: name, ...given });
    const indexes = (header.get("indexes") ?? []) as BsonDocument[];
    return new RestoredCollection(db, name, hasCollation ? indexes.map(withOwnCollation) : indexes);
  }

  async add(document: BsonDocument, characters: number): Promise<void> {
    // A Map keeps the order of keys that look like numbers; the driver encodes it as a document.
    this.#batch.push(driverDocument(document) as unknown as Document);
    this.#characters += characters;
    if (this.#batch.length >= BATCH_DOCUMENTS || this.#characters >= BATCH_CHARACTERS) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    if (this.#indexes.length === 0) return;
    const indexes = this.#indexes.map(driverDocument);
    await this.#db.command({ createIndexes: this.#collection.collectionName, indexes });
  }

  async #flush(): Promise<void> {
    if (this.#batch.length === 0) return;
    // Documents that are older than the validator of their collection are restored too.
    const options = { forceServerObjectId: true, bypassDocumentValidation: true };
    await this.#collection.insertMany(this.#batch, options);
    this.#batch = [];
    this.#characters = 0;
  }
}
