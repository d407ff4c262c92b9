import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { mongoForTests } from "./mongo.fixture.ts";

describe("a hidden index", () => {
  const mongo = mongoForTests();
  const items = () => mongo.db.collection<{ _id: number; n: number }>("items");
  const usesIndex = async () =>
    JSON.stringify(await items().find({ n: 5 }).explain("queryPlanner")).includes('"IXSCAN"');
  const hide = (hidden: boolean) => mongo.db.command({ collMod: "items", index: { name: "n_1", hidden } });
  before(async () => {
    await items().insertMany(Array.from({ length: 100 }, (_, n) => ({ _id: n, n })));
    await items().createIndex({ n: 1 }, { unique: true, hidden: true });
  });

  it("serves no query, not even by a hint, but keeps its rule", async () => {
    assert.equal(await usesIndex(), false);
    assert.equal((await items().findOne({ n: 5 }))!._id, 5);
    await assert.rejects(items().find({}, { hint: "n_1" }).toArray(), { code: 2 });
    await assert.rejects(items().insertOne({ _id: 100, n: 5 }), { code: 11000 });
  });

  it("can be shown and hidden again", async () => {
    const shown = await hide(false);
    assert.deepEqual([shown.hidden_old, shown.hidden_new], [true, false]);
    await items().insertOne({ _id: 100, n: 100 });
    assert.equal(await usesIndex(), true);
    assert.equal((await items().findOne({ n: 100 }, { hint: "n_1" }))!._id, 100);
    await hide(true);
    assert.equal(await usesIndex(), false);
    const index = (await items().listIndexes().toArray()).find(({ name }) => name === "n_1");
    assert.equal(index!.hidden, true);
  });
});
