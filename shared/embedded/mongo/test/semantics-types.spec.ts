import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BSON, type Document } from "mongodb";
import { EXACT } from "./canonical.fixture.ts";
import { mongoForTests } from "./mongo.fixture.ts";

const { Binary, BSONRegExp, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp } =
  BSON;

describe("types", () => {
  const mongo = mongoForTests();
  let count = 0;
  const fresh = () => mongo.db.collection<Document>(`types-${count++}`);
  const ids = (docs: readonly Document[]) => docs.map((doc) => Number(doc._id));

  it("every type is returned as it was stored, with its order of fields", async () => {
    const doc = new Map<string, unknown>([
      ["_id", 1],
      ["double", new Double(5)],
      ["negative zero", new Double(-0)],
      ["nan", Number.NaN],
      ["int", new Int32(-7)],
      ["long", Long.MAX_VALUE],
      ["decimal", Decimal128.fromString("-12.340E-5")],
      ["text", "päper\0 \u{1f600}"],
      ["date", new Date(-1)],
      ["binary", new Binary(Buffer.from("ab"), 5)],
      ["stamp", new Timestamp({ t: 4294967295, i: 7 })],
      ["regex", new BSONRegExp("^a", "i")],
      ["code", new Code("f()")],
      ["min", new MinKey()],
      ["max", new MaxKey()],
      ["null", null],
      [
        "nested",
        new Map<string, unknown>([
          ["z", [1, [], {}]],
          ["2", 1],
          ["10", 2],
          ["a", true],
        ]),
      ],
      ["id", new ObjectId("65f0c0ffee0123456789abcd")],
      ["", "no name"],
    ]);
    const items = fresh();
    await items.insertOne(doc as unknown as Document);
    const stored = await items.findOne({ _id: 1 as never }, { ...EXACT, raw: true });
    assert.deepEqual(Buffer.from(stored as unknown as Uint8Array), Buffer.from(BSON.serialize(doc)));
  });

  it("a field may be called __proto__ or constructor", async () => {
    const items = fresh();
    await items.insertOne(
      new Map<string, unknown>([
        ["_id", 1],
        ["__proto__", 7],
        ["constructor", 8],
      ]) as unknown as Document,
    );
    const filter = new Map([["__proto__", 7]]) as unknown as Document;
    assert.equal(await items.countDocuments(filter), 1);
    await items.updateOne({ constructor: 8 } as Document, { $set: { constructor: 9 } } as Document);
    assert.equal(await items.countDocuments({ constructor: 9 } as Document), 1);
  });

  it("names with dollars and dots are stored, but not with dollars inside _id", async () => {
    const items = fresh();
    const docs = [
      { _id: 1, $a: 1 },
      { _id: 2, "a.b": 1 },
      { _id: 3, a: { $b: 1, "c.d": 2 } },
      { _id: { "a.b": 1 } },
    ];
    await items.insertMany(docs as unknown as Document[]);
    assert.deepEqual(await items.find().sort({ _id: 1 }).toArray(), docs);
    await assert.rejects(items.insertOne({ _id: { $a: 1 } as never }), { code: 52 });
    await assert.rejects(items.insertOne({ _id: [1] as never }), { code: 53 });
  });

  it("numbers of different types with one value are one key of a unique index", async () => {
    const items = fresh();
    await items.createIndex({ n: 1 }, { unique: true });
    await items.insertOne({ n: 1 });
    for (const n of [new Double(1), Long.ONE, Decimal128.fromString("1.00")]) {
      await assert.rejects(items.insertOne({ n }), { code: 11000 });
    }
    await items.insertOne({ n: Long.fromString("9007199254740993") });
    await items.insertOne({ n: new Double(9007199254740992) });
    await assert.rejects(items.insertOne({ n: Decimal128.fromString("9007199254740993") }), { code: 11000 });
    await assert.rejects(fresh().insertMany([{ _id: 1 }, { _id: new Double(1) }] as Document[]), {
      code: 11000,
    });
  });

  it("queries distinguish large longs, with and without an index", async () => {
    const items = fresh();
    await items.insertMany([
      { _id: 1, n: Long.fromString("9007199254740992") },
      { _id: 2, n: Long.fromString("9007199254740993") },
      { _id: 3, n: Long.fromString("9007199254740994") },
    ] as Document[]);
    for (const indexed of [false, true]) {
      if (indexed) await items.createIndex({ n: 1 });
      const above = await items
        .find({ n: { $gt: new Double(9007199254740992) } })
        .sort({ n: 1 })
        .toArray();
      assert.deepEqual(ids(above), [2, 3]);
      assert.deepEqual(ids(await items.find({ n: Long.fromString("9007199254740993") }).toArray()), [2]);
    }
  });

  it("values of all types sort in one order, with and without an index", async () => {
    const ascending: unknown[] = [
      new MinKey(),
      null,
      Number.NaN,
      -1,
      Decimal128.fromString("-0.5"),
      0,
      new Double(0.1),
      Long.ONE,
      2.5,
      "",
      "A",
      "a",
      "ab",
      "é",
      {},
      { a: 1 },
      { a: 1, b: 1 },
      { b: 0 },
      new Binary(Buffer.from("b")),
      new Binary(Buffer.from("aa")),
      new ObjectId("000000000000000000000001"),
      false,
      true,
      new Date(-5),
      new Date(5),
      new Timestamp({ t: 1, i: 1 }),
      /a/,
      new MaxKey(),
    ];
    const items = fresh();
    await items.insertMany(ascending.map((v, _id) => ({ _id, v })).reverse() as unknown as Document[]);
    const expected = ascending.map((_, index) => index);
    for (const indexed of [false, true]) {
      if (indexed) await items.createIndex({ v: 1 });
      assert.deepEqual(ids(await items.find().sort({ v: 1 }).toArray()), expected);
      assert.deepEqual(ids(await items.find().sort({ v: -1 }).toArray()), expected.toReversed());
    }
  });

  it("comparisons stay within their operand's type, with and without an index", async () => {
    const items = fresh();
    await items.insertMany([
      { _id: 1, v: 5 },
      { _id: 2, v: "5" },
      { _id: 3, v: null },
      { _id: 4 },
      { _id: 5, v: Number.NaN },
      { _id: 6, v: new Date(5) },
      { _id: 7, v: [1, 9] },
      { _id: 8, v: [] as number[] },
      { _id: 9, v: true },
    ] as unknown as Document[]);
    const expectations: readonly (readonly [Document, number[]])[] = [
      [{ v: { $gt: 0 } }, [1, 7]],
      [{ v: { $lt: 6 } }, [1, 7]],
      [{ v: { $gt: 2, $lt: 6 } }, [1, 7]],
      [{ v: { $gte: "" } }, [2]],
      [{ v: null }, [3, 4]],
      [{ v: { $ne: null } }, [1, 2, 5, 6, 7, 8, 9]],
      [{ v: { $exists: true } }, [1, 2, 3, 5, 6, 7, 8, 9]],
      [{ v: { $gte: Number.NaN } }, [5]],
      [{ v: { $gt: new Date(0) } }, [6]],
      [{ v: { $in: [5, null, true] } }, [1, 3, 4, 9]],
      [{ v: [] }, [8]],
      [{ v: [1, 9] }, [7]],
      [{ v: { $lte: null } }, [3, 4]],
      [{ v: { $gte: new MinKey() } }, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
      [{ v: { $gt: false } }, [9]],
    ];
    for (const indexed of [false, true]) {
      if (indexed) await items.createIndex({ v: 1 });
      for (const [filter, expected] of expectations) {
        const found = ids(await items.find(filter).toArray()).sort((a, b) => a - b);
        assert.deepEqual(found, expected, `${BSON.EJSON.stringify(filter)}, indexed: ${indexed}`);
      }
    }
  });
});
