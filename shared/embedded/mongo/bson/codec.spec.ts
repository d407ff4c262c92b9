import assert from "node:assert/strict";
import { test } from "node:test";
import { BSON } from "mongodb";
import { decodeDocument, decodeValue } from "./decode.ts";
import { encodeDocument, encodedLength } from "./encode.ts";
import { CommandFault } from "./fault.ts";
import { RandomValues } from "./random.fixture.ts";
import { documentLength, findField, rawFields, rawPath, validateDocument } from "./raw.ts";
import {
  BsonDate,
  type BsonDocument,
  BsonDouble,
  type BsonValue,
  DbPointer,
  typeOf,
  UNDEFINED,
} from "./values.ts";

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

test("decoding and encoding returns the same bytes, and the official codec agrees", (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = new RandomValues(seed);
  for (let i = 0; i < 3000; i++) {
    const doc = random.document(3);
    const bytes = encodeDocument(doc);
    assert.deepEqual(encodeDocument(decodeDocument(bytes)), bytes);
    assert.equal(validateDocument(bytes), bytes.length);
    if (holdsUnshared(doc)) continue;
    const official = BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true });
    assert.equal(BSON.serialize(official).length, bytes.length);
  }
});

/** What the official codec drops or converts: undefined, pointers (to DBRef), dates beyond JavaScript's. */
function holdsUnshared(value: BsonValue): boolean {
  if (value instanceof Map) return [...value.values()].some(holdsUnshared);
  if (Array.isArray(value)) return value.some(holdsUnshared);
  return (
    value === UNDEFINED ||
    value instanceof DbPointer ||
    (value instanceof BsonDate && typeof value.ms === "bigint")
  );
}

test("documents of the official codec keep their bytes", () => {
  const { Double, Int32, Long, Decimal128, ObjectId, Binary, Timestamp, BSONRegExp, Code, MinKey, MaxKey } =
    BSON;
  const bytes = BSON.serialize({
    _id: new ObjectId("65f0c0ffee0123456789abcd"),
    double: new Double(5),
    negativeZero: new Double(-0),
    int: new Int32(-7),
    long: Long.fromString("9223372036854775807"),
    decimal: Decimal128.fromString("-12.340E-5"),
    text: "päper\0",
    date: new Date(-1),
    binary: new Binary(Buffer.from("ab"), 5),
    old: new Binary(Buffer.from("ab"), 2),
    stamp: new Timestamp({ t: 4294967295, i: 7 }),
    regex: new BSONRegExp("^a", "i"),
    code: new Code("f()"),
    scoped: new Code("f()", { a: 1 }),
    min: new MinKey(),
    max: new MaxKey(),
    nested: { list: [1, { two: null }], 10: 1, 2: 2 },
  });
  const doc = decodeDocument(bytes);
  assert.deepEqual(Buffer.from(encodeDocument(doc)), Buffer.from(bytes));
  assert.equal(encodedLength(doc), bytes.length);
  assert.deepEqual(doc.get("double"), new BsonDouble(5));
  assert.equal(String(doc.get("decimal")), "-0.00012340");
  assert.deepEqual([...(doc.get("nested") as BsonDocument).keys()], ["2", "10", "list"]);
});

test("raw access returns the same values as decoding", (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = new RandomValues(seed + 1);
  for (let i = 0; i < 1000; i++) {
    const doc = random.document(3);
    const bytes = encodeDocument(doc);
    assert.equal(documentLength(bytes), bytes.length);
    assert.deepEqual(
      [...rawFields(bytes)].map(([name]) => name),
      [...doc.keys()],
    );
    for (const [name, value] of doc) {
      assert.deepEqual(decodeValue(bytes, findField(bytes, name)!), decodeDocument(bytes).get(name));
      if (value instanceof Map) {
        for (const [inner, item] of value) {
          const found = rawPath(bytes, [name, inner]);
          if (typeOf(item) === 4) assert.equal(found, "array");
          else
            assert.deepEqual(
              (found as { value: unknown }).value,
              (decodeDocument(bytes).get(name) as BsonDocument).get(inner),
            );
        }
      }
    }
    assert.equal(findField(bytes, "absent"), undefined);
  }
});

test("damaged bytes are rejected and never read beyond their end", (t) => {
  t.diagnostic(`seed ${seed}`);
  const random = new RandomValues(seed + 2);
  let rejected = 0;
  for (let i = 0; i < 5000; i++) {
    const bytes = Uint8Array.from(encodeDocument(random.document(3)));
    for (let n = 1 + random.below(3); n > 0; n--) bytes[random.below(bytes.length)] = random.below(256);
    const cut = random.below(3) === 0 ? bytes.subarray(0, random.below(bytes.length)) : bytes;
    for (const read of [decodeDocument, validateDocument]) {
      try {
        read(cut);
      } catch (error) {
        assert.ok(error instanceof CommandFault, `${error}`);
        rejected++;
      }
    }
    let valid = true;
    try {
      validateDocument(cut);
    } catch {
      valid = false;
    }
    if (valid) decodeDocument(cut);
  }
  assert.ok(rejected > 1000, `${rejected} rejected`);
});

test("nesting beyond the limit is rejected", () => {
  let doc: BsonDocument = new Map();
  for (let i = 0; i < 190; i++) doc = new Map([["a", doc]]);
  const bytes = encodeDocument(doc);
  assert.throws(() => decodeDocument(bytes), { code: 15 });
  assert.throws(() => validateDocument(bytes), { code: 15 });
});
