import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDocument } from "../bson/encode.ts";
import { RandomValues } from "../bson/random.fixture.ts";
import { setFields } from "../bson/set-fields.ts";
import { type BsonDocument, type BsonValue, documentOf, ObjectId } from "../bson/values.ts";
import { compileUpdate } from "../query/update.ts";
import { readSetById } from "./set-by-id.ts";

const statementOf = (set: BsonDocument, rest: Record<string, BsonValue> = {}): Uint8Array =>
  encodeDocument(
    documentOf({
      q: documentOf({ _id: new ObjectId(1, 2) }),
      u: new Map([["$set", set]]),
      multi: false,
      upsert: false,
      ...rest,
    }),
  );

/** The bytes after the update, carried out on bytes; null where nothing has changed. */
function onBytes(document: BsonDocument, set: BsonDocument): Uint8Array | null {
  const statement = readSetById(statementOf(set), 0);
  assert(statement, "a plain $set is read");
  const result = setFields(encodeDocument(document), statement.fields, (bytes, length) =>
    Buffer.from(bytes.subarray(0, length)),
  );
  assert(result, "no name occurs twice");
  return result.kept;
}

function onValues(document: BsonDocument, set: BsonDocument): Uint8Array | null {
  const { doc, changed } = compileUpdate(new Map([["$set", set]]))(document, { isInsert: false });
  return changed ? encodeDocument(doc) : null;
}

test("a $set on bytes gives the bytes that a $set on values gives", () => {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
  const random = new RandomValues(seed);
  for (let round = 0; round < 5_000; round++) {
    const document: BsonDocument = new Map([["_id", round as BsonValue], ...random.document(3)]);
    const names = [...document.keys(), "new", "10", "9", "fresh", "größe"].filter(
      (name) => name !== "_id" && name !== "" && !name.startsWith("$") && !name.includes("."),
    );
    const set: BsonDocument = new Map();
    for (const name of names) {
      if (random.below(5) < 2)
        set.set(name, random.below(3) === 0 ? (document.get(name) ?? null) : random.value());
    }
    assert.deepEqual(onBytes(document, set), onValues(document, set), `TEST_SEED=${seed}, round ${round}`);
  }
});

test("anything but a $set of top-level fields of one document by its id is left to the general way", () => {
  const refused: Uint8Array[] = [
    statementOf(documentOf({ "a.b": 1 })),
    statementOf(documentOf({ _id: 1 })),
    statementOf(documentOf({ $a: 1 })),
    statementOf(documentOf({ "": 1 })),
    statementOf(documentOf({ a: 1 }), { upsert: true }),
    statementOf(documentOf({ a: 1 }), { multi: true }),
    statementOf(documentOf({ a: 1 }), { hint: "_id_" }),
    statementOf(documentOf({ a: 1 }), { q: documentOf({ _id: 5 }) }),
    statementOf(documentOf({ a: 1 }), { q: documentOf({ _id: "x", a: 1 }) }),
    statementOf(documentOf({ a: 1 }), { q: documentOf({}) }),
    statementOf(documentOf({ a: 1 }), { u: documentOf({ $inc: documentOf({ a: 1 }) }) }),
    statementOf(documentOf({ a: 1 }), {
      u: documentOf({ $set: documentOf({ a: 1 }), $inc: documentOf({ b: 1 }) }),
    }),
    statementOf(documentOf({ a: 1 }), { u: documentOf({ $set: 5 }) }),
    statementOf(documentOf({ a: 1 }), { u: documentOf({ a: 1 }) }),
  ];
  refused.forEach((bytes, index) => {
    assert.equal(readSetById(bytes, 0), null, `statement ${index}`);
  });
});

test("a document with one name twice is left to the general way", () => {
  // { a: 1, a: 2 }
  const document = Buffer.from("13000000106100010000001061000200000000", "hex");
  const { fields } = readSetById(statementOf(documentOf({ a: 3 })), 0)!;
  assert.equal(
    setFields(document, fields, () => true),
    null,
  );
});
