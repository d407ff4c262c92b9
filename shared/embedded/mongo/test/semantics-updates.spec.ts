import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BSON, type Document } from "mongodb";
import { updateCases } from "../update/update-cases.fixture.ts";
import { canonical, EXACT } from "./canonical.fixture.ts";
import { mongoForTests } from "./mongo.fixture.ts";

const { Long, Timestamp } = BSON;

const withId = (doc: Document): Document =>
  new Map(Object.entries({ _id: 1, ...(doc instanceof Map ? Object.fromEntries(doc) : doc) }));

/** The official driver rejects field names with a dollar in replacements, so the test sends a command. */
const isReplacement = (update: unknown): boolean =>
  !Array.isArray(update) && !Object.keys(update as Document)[0]!.startsWith("$");

describe("updates", () => {
  const mongo = mongoForTests();
  let count = 0;
  const fresh = () => mongo.db.collection<Document>(`updates-${count++}`);

  it("change documents, keep types, and report whether they changed anything", async () => {
    const items = fresh();
    for (const [update, doc, expected, extra = {}] of updateCases) {
      if (extra.isInsert) continue;
      const label = `${BSON.EJSON.stringify(update)} on ${BSON.EJSON.stringify(doc)}`;
      const before = withId(doc);
      const after = withId(expected ?? doc);
      if (expected?._id !== undefined) after.set("_id", expected._id);
      await items.deleteMany({});
      await items.insertOne(before);
      const { matchedCount, modifiedCount } = await send(items, update, extra);
      assert.deepEqual([matchedCount, modifiedCount], [1, expected === null ? 0 : 1], label);
      const [stored] = await items.find({}, EXACT).toArray();
      assert.equal(canonical(stored!), canonical(after), label);
    }
  });

  async function send(
    items: ReturnType<typeof fresh>,
    update: unknown,
    extra: { filter?: Document; arrayFilters?: readonly Document[] },
  ) {
    const { filter = {}, arrayFilters } = extra;
    if (isReplacement(update))
      return items.replaceOne(filter, update as Document) as Promise<{
        matchedCount: number;
        modifiedCount: number;
      }>;
    return items.updateOne(
      filter,
      update as Document,
      arrayFilters ? { arrayFilters: [...arrayFilters] } : {},
    );
  }

  it("an upsert inserts the combination of filter and update", async () => {
    const items = fresh();
    const upsert = async (filter: Document, update: Document) => {
      await items.deleteMany({});
      const { upsertedCount } = await items.updateOne(filter, update, { upsert: true });
      assert.equal(upsertedCount, 1);
      return canonical((await items.findOne({}, EXACT))!);
    };
    assert.equal(
      await upsert({ _id: 5, a: 1, b: { $gt: 2 } }, { $set: { c: 1 }, $setOnInsert: { d: 2 } }),
      canonical({ _id: 5, a: 1, c: 1, d: 2 }),
    );
    assert.equal(
      await upsert({ _id: 5, "a.b": { $eq: 1 } }, { $inc: { "a.c": Long.ONE } }),
      canonical({ _id: 5, a: { b: 1, c: Long.ONE } }),
    );
    assert.equal(
      await upsert({ $and: [{ _id: 5 }, { x: { $in: [1] } }] }, { $push: { l: 1 } }),
      canonical({ _id: 5, x: 1, l: [1] }),
    );
    await items.deleteMany({});
    const { upsertedId } = await items.updateOne({ a: 1 }, { $set: { b: 1 } }, { upsert: true });
    assert.deepEqual(Object.keys((await items.findOne({ _id: upsertedId! }))!), ["_id", "a", "b"]);
  });

  it("a replacement keeps the id and may be an upsert", async () => {
    const items = fresh();
    await items.replaceOne({ _id: 3 as never }, { z: 1, a: 2 }, { upsert: true });
    assert.equal(canonical((await items.findOne({}, EXACT))!), canonical({ _id: 3, z: 1, a: 2 }));
    await items.replaceOne({ z: 1 }, { y: 1 });
    assert.equal(canonical((await items.findOne({}, EXACT))!), canonical({ _id: 3, y: 1 }));
  });

  it("an invalid update is rejected and leaves the document unchanged", async () => {
    const items = fresh();
    await items.insertOne({ _id: 1 as never, a: 1, s: "x", l: [1], big: Long.MAX_VALUE });
    const before = canonical((await items.findOne({}, EXACT))!);
    const refused: readonly (readonly [Document | Document[], number])[] = [
      [{ $set: { "a.b": 1 } }, 28],
      [{ $set: { "l.b": 1 } }, 28],
      [{ $set: { a: 1, "a.b": 1 } }, 40],
      [{ $set: { b: 1 }, $inc: { b: 1 } }, 40],
      [{ $set: { _id: 2 } }, 66],
      [{ $inc: { s: 1 } }, 14],
      [{ $inc: { a: "1" } }, 14],
      [{ $inc: { big: 1 } }, 2],
      [{ $push: { a: 1 } }, 2],
      [{ $addToSet: { a: 1 } }, 2],
      [{ $pop: { a: 1 } }, 14],
      [{ $bogus: { a: 1 } }, 9],
      [{ $set: { "l.$": 1 } }, 2],
      [{ $set: { "l.$[x]": 1 } }, 2],
      [{ $rename: { a: "a" } }, 2],
      [[{ $set: { _id: 2 } }], 66],
    ];
    for (const [update, code] of refused) {
      await assert.rejects(items.updateOne({}, update), { code }, JSON.stringify(update));
    }
    await assert.rejects(items.replaceOne({ _id: 1 as never }, { _id: 2 as never, a: 1 }), { code: 66 });
    assert.equal(canonical((await items.findOne({}, EXACT))!), before);
  });

  it("findOneAndUpdate returns the document before or after, projected and by sort", async () => {
    const items = fresh();
    await items.insertMany([
      { _id: 1, n: 5, k: "a" },
      { _id: 2, n: 7, k: "a" },
    ] as unknown as Document[]);
    const before = await items.findOneAndUpdate(
      { k: "a" },
      { $inc: { n: 1 } },
      { sort: { n: -1 }, projection: { n: 1 } },
    );
    assert.deepEqual(before, { _id: 2, n: 7 });
    const after = await items.findOneAndUpdate({ k: "a" }, [{ $set: { n: { $multiply: ["$n", 2] } } }], {
      sort: { n: 1 },
      returnDocument: "after",
    });
    assert.deepEqual(after, { _id: 1, n: 10, k: "a" });
  });

  it("an empty timestamp at the top level becomes the time of the insert or replacement", async () => {
    const items = fresh();
    const empty = new Timestamp({ t: 0, i: 0 });
    const isFilled = ({ t, i }: { t: number; i: number }) => Math.abs(t - Date.now() / 1000) < 600 && i > 0;
    const check = async (label: string) => {
      const stored = (await items.findOne({}, EXACT))!;
      assert.ok(isFilled(stored.at) && isFilled(stored.too), label);
      assert.notDeepEqual(stored.at, stored.too, label);
      assert.deepEqual([stored.inside.at, stored.kept], [empty, new Timestamp({ t: 1, i: 0 })], label);
      await items.deleteMany({});
    };
    const doc = { at: empty, inside: { at: empty }, kept: new Timestamp({ t: 1, i: 0 }), too: empty };
    await items.insertOne({ _id: 1 as never, ...doc });
    await check("insert");
    await items.insertOne({ ...doc, _id: "behind" as never });
    await check("insert, _id last");
    for (const id of ["text", 1]) {
      await items.insertOne({ _id: id as never });
      await items.replaceOne({ _id: id as never }, doc);
      await check("replacement");
    }
    await items.replaceOne({ k: 1 }, doc, { upsert: true });
    await check("upsert");
    await items.insertOne({ _id: empty as never });
    assert.deepEqual((await items.findOne({}, EXACT))!._id, empty);
  });

  it("let variables reach pipeline updates and $expr", async () => {
    const items = fresh();
    await items.insertMany([
      { _id: 1, n: 1 },
      { _id: 2, n: 2 },
    ] as unknown as Document[]);
    await items.updateMany({ $expr: { $eq: ["$n", "$$wanted"] } }, [{ $set: { n: "$$next" } }], {
      let: { wanted: 2, next: 9 },
    } as never);
    assert.deepEqual(
      (await items.find().sort({ _id: 1 }).toArray()).map((doc) => doc.n),
      [1, 9],
    );
  });
});
