import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeDocument } from "../../bson/encode.ts";
import { RandomValues } from "../../bson/random.fixture.ts";
import {
  type BsonDocument,
  BsonDouble,
  type BsonValue,
  documentOf,
  ObjectId,
  Timestamp,
} from "../../bson/values.ts";
import { compileUpdate } from "../../update/update.ts";
import { changeOnBytes, readUpdateById } from "./update-by-id.ts";

const statementOf = (update: BsonValue, rest: Record<string, BsonValue> = {}): Uint8Array =>
  encodeDocument(
    documentOf({
      q: documentOf({ _id: new ObjectId(1, 2) }),
      u: update,
      multi: false,
      upsert: false,
      ...rest,
    }),
  );

const setting = (fields: Record<string, BsonValue>): BsonDocument => documentOf({ $set: documentOf(fields) });

/** Returns the bytes after an update on bytes; null if nothing changed. */
function onBytes(document: BsonDocument, update: BsonDocument): Uint8Array | null {
  const statement = readUpdateById(statementOf(update), 0);
  assert(statement, "a plain update is read");
  const result = changeOnBytes(encodeDocument(document), statement.change);
  assert(result, "no name occurs twice");
  return result.kept && Buffer.from(result.kept);
}

function onValues(document: BsonDocument, update: BsonDocument): Uint8Array | null {
  const { doc, changed } = compileUpdate(update)(document, { isInsert: false });
  return changed ? encodeDocument(doc) : null;
}

function forRandomDocuments(work: (random: RandomValues, document: BsonDocument) => void): void {
  const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);
  const random = new RandomValues(seed);
  for (let round = 0; round < 5_000; round++) {
    try {
      work(random, new Map([["_id", round as BsonValue], ...random.document(3)]));
    } catch (error) {
      throw new Error(`TEST_SEED=${seed}, round ${round}`, { cause: error });
    }
  }
}

test("a $set on bytes gives the bytes that a $set on values gives", () => {
  forRandomDocuments((random, document) => {
    const set: BsonDocument = new Map();
    for (const name of [...document.keys(), "new", "10", "9", "fresh", "größe"]) {
      if (name === "_id" || random.below(5) > 1) continue;
      set.set(name, random.below(3) === 0 ? (document.get(name) ?? null) : random.value());
    }
    const update: BsonDocument = new Map([["$set", set]]);
    assert.deepEqual(onBytes(document, update), onValues(document, update));
  });
});

test("$set and $inc on bytes give the bytes that they give on values, or are left to the general way", () => {
  let carriedOut = 0;
  forRandomDocuments((random, document) => {
    for (const name of ["runs", "tries"]) if (random.below(2) === 0) document.set(name, random.below(1_000));
    if (random.below(10) === 0) document.set("runs", 2_147_483_647);
    const increments: BsonDocument = new Map();
    for (const name of ["runs", "tries", "fresh"])
      if (random.below(2) === 0) increments.set(name, random.below(5));
    const update = documentOf({ $set: documentOf({ new: 1, "10": 2 }), $inc: increments });
    const { change } = readUpdateById(statementOf(update), 0)!;
    const result = changeOnBytes(encodeDocument(document), change);
    if (result === null) {
      assert.equal(document.get("runs"), 2_147_483_647, "only a sum beyond the Int32 is left");
      return;
    }
    carriedOut += 1;
    assert.deepEqual(result.kept && Buffer.from(result.kept), onValues(document, update));
  });
  assert(carriedOut > 4_000);
});

test("an $inc of anything but an Int32 is left to the general way", () => {
  const document = encodeDocument(documentOf({ _id: 1, text: "a", double: new BsonDouble(1), long: 1n }));
  for (const name of ["text", "double", "long"]) {
    const { change } = readUpdateById(statementOf(documentOf({ $inc: documentOf({ [name]: 1 }) })), 0)!;
    assert.equal(changeOnBytes(document, change), null, name);
  }
});

test("a replacement on bytes gives the bytes that a replacement on values gives", () => {
  forRandomDocuments((random, document) => {
    const replacement = random.below(3) === 0 ? new Map(document) : random.document(3);
    replacement.delete("_id");
    for (const [name, value] of replacement)
      if (value instanceof Timestamp && value.value === 0n) replacement.set(name, new Timestamp(1n));
    assert.deepEqual(onBytes(document, replacement), onValues(document, replacement));
  });
});

test("anything but a replacement, a $set or an $inc of top-level fields of one document by its id is left to the general way", () => {
  const refused: Uint8Array[] = [
    statementOf(setting({ "a.b": 1 })),
    statementOf(setting({ _id: 1 })),
    statementOf(setting({ $a: 1 })),
    statementOf(setting({ "": 1 })),
    statementOf(setting({ a: 1 }), { upsert: true }),
    statementOf(setting({ a: 1 }), { multi: true }),
    statementOf(setting({ a: 1 }), { hint: "_id_" }),
    statementOf(setting({ a: 1 }), { q: documentOf({ _id: 5 }) }),
    statementOf(setting({ a: 1 }), { q: documentOf({ _id: "x", a: 1 }) }),
    statementOf(setting({ a: 1 }), { q: documentOf({}) }),
    statementOf(documentOf({ $inc: documentOf({ a: 1n }) })),
    statementOf(documentOf({ $inc: documentOf({ a: new BsonDouble(1) }) })),
    statementOf(documentOf({ $mul: documentOf({ a: 1 }) })),
    statementOf(documentOf({ $set: documentOf({ a: 1 }), $inc: documentOf({ a: 1 }) })),
    statementOf(documentOf({ $set: documentOf({ a: 1 }), $unset: documentOf({ b: 1 }) })),
    statementOf(setting({ a: 1 }), { u: documentOf({ $set: 5 }) }),
    statementOf(setting({ a: 1 }), { u: documentOf({ _id: 1, a: 1 }) }),
    statementOf(setting({ a: 1 }), { u: documentOf({ a: new Timestamp(0n) }) }),
  ];
  refused.forEach((bytes, index) => {
    assert.equal(readUpdateById(bytes, 0), null, `statement ${index}`);
  });
});

test("a document with one name twice is left to the general way", () => {
  // { a: 1, a: 2 }
  const document = Buffer.from("13000000106100010000001061000200000000", "hex");
  const { change } = readUpdateById(statementOf(setting({ a: 3 })), 0)!;
  assert.equal(changeOnBytes(document, change), null);
});
