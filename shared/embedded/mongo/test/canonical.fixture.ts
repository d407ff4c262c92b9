import { BSON, type Document } from "mongodb";

/** What a test reads with: every numeric type stays itself. */
export const EXACT = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;

const text = (bytes: Uint8Array): string =>
  BSON.EJSON.stringify(BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true }), {
    relaxed: false,
  });

/** A document as canonical Extended JSON, types and order of fields included. */
export const canonical = (doc: Document): string => text(BSON.serialize(doc, { ignoreUndefined: false }));
