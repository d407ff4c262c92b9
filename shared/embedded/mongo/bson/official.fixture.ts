import { BSON, type Document } from "mongodb";
import { decodeDocument } from "./decode.ts";
import { encodeDocument } from "./encode.ts";
import type { BsonDocument, BsonValue } from "./values.ts";

/** Converts a document of the official driver's types to ours: `5` is an int32, `new Double(5)` a double. */
export const docOf = (doc: Document): BsonDocument =>
  decodeDocument(BSON.serialize(doc, { ignoreUndefined: false }));

/** Converts a value of the official driver's types to ours. */
export const bsonOf = (value: unknown): BsonValue => docOf({ value }).get("value")!;

/** Formats a document as canonical Extended JSON, which shows every type. */
export const canonical = (doc: BsonDocument): string =>
  BSON.EJSON.stringify(BSON.deserialize(encodeDocument(doc), { promoteValues: false, bsonRegExp: true }), {
    relaxed: false,
  });
