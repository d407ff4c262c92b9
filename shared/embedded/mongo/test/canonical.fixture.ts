import { BSON, type Document } from "mongodb";

/** Driver options that keep every numeric type. */
export const EXACT = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;

const text = (bytes: Uint8Array): string =>
  BSON.EJSON.stringify(BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true }), {
    relaxed: false,
  });

/** A document as canonical Extended JSON, types and order of fields included. */
export const canonical = (doc: Document): string => text(BSON.serialize(doc, { ignoreUndefined: false }));
