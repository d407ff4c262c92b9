import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDocument } from "../../bson/encode.ts";
import { type BsonValue, documentOf, ObjectId } from "../../bson/values.ts";
import { DeleteById } from "./delete-by-id.ts";

const isRead = (statement: Record<string, BsonValue>): boolean =>
  DeleteById.read(encodeDocument(documentOf(statement)), 0) !== null;

test("a deletion of one document by its id is read, in either order of its fields", () => {
  assert(isRead({ q: documentOf({ _id: new ObjectId(1, 2) }), limit: 1 }));
  assert(isRead({ limit: 1, q: documentOf({ _id: "text" }) }));
});

test("any other deletion is left to the general way", () => {
  const q = documentOf({ _id: "text" });
  const refused: Record<string, BsonValue>[] = [
    { q, limit: 0 },
    { q, limit: 1n },
    { q },
    { limit: 1 },
    { q, limit: 1, hint: "_id_" },
    { q, limit: 1, collation: documentOf({ locale: "en" }) },
    { q: documentOf({ _id: 5 }), limit: 1 },
    { q: documentOf({ _id: documentOf({ $gt: "a" }) }), limit: 1 },
    { q: documentOf({ _id: "text", a: 1 }), limit: 1 },
    { q: documentOf({ a: "text" }), limit: 1 },
    { q: documentOf({}), limit: 1 },
    { q: 5, limit: 1 },
  ];
  refused.forEach((statement, index) => {
    assert.equal(isRead(statement), false, `statement ${index}`);
  });
});
