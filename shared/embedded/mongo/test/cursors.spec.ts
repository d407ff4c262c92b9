import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { type Collection, Long } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

interface Row {
  _id: number;
  text?: string;
}

describe("cursors", () => {
  const mongo = mongoForTests();
  let rows: Collection<Row>;
  let names = 0;

  beforeEach(async () => {
    rows = mongo.db.collection<Row>(`rows-${names++}`);
    await rows.insertMany(Array.from({ length: 250 }, (_, _id) => ({ _id })));
  });

  const first = async (options: object) => {
    const { cursor } = await mongo.db.command({ find: rows.collectionName, ...options });
    return {
      id: cursor.id as Long | number,
      batch: cursor.firstBatch.map(({ _id }: Row) => _id) as number[],
    };
  };
  const more = (id: Long | number, options: object = {}) =>
    mongo.db.command({ getMore: Long.fromValue(id), collection: rows.collectionName, ...options });

  it("returns 101 documents first, then the requested batch size, and ends with id 0", async () => {
    const { id, batch } = await first({});
    assert.equal(batch.length, 101);
    const second = await more(id, { batchSize: 99 });
    assert.equal(second.cursor.nextBatch.length, 99);
    const third = await more(id);
    assert.deepEqual([third.cursor.nextBatch.length, Number(third.cursor.id)], [50, 0]);
    await assert.rejects(more(id), { code: 43 });
  });

  it("opens without documents at batchSize 0, and keeps nothing open for a single batch or a reached limit", async () => {
    const empty = await first({ batchSize: 0 });
    assert.deepEqual([empty.batch, Number(empty.id) !== 0], [[], true]);
    assert.deepEqual(
      (await more(empty.id, { batchSize: 2 })).cursor.nextBatch.map(({ _id }: Row) => _id),
      [0, 1],
    );
    assert.equal(Number((await first({ batchSize: 5, singleBatch: true })).id), 0);
    assert.equal(Number((await first({ limit: 5 })).id), 0);
    assert.equal(Number((await first({ limit: 5, batchSize: 5 })).id), 0);
  });

  it("continues after deleted documents and with inserted ones", async () => {
    const cursor = rows.find().sort({ _id: 1 }).batchSize(10);
    const seen: number[] = [];
    for (let i = 0; i < 10; i++) seen.push((await cursor.next())!._id);
    await rows.deleteMany({ _id: { $gte: 5, $lt: 200 } });
    await rows.insertOne({ _id: 1_000 });
    for await (const { _id } of cursor) seen.push(_id);
    assert.deepEqual(seen.slice(0, 10), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(seen.slice(-51), [...Array.from({ length: 50 }, (_, i) => 200 + i), 1_000]);
    assert.equal(new Set(seen).size, seen.length);
  });

  it("ends a batch before it exceeds a reply", async () => {
    const text = "x".repeat(1024 * 1024);
    const large = mongo.db.collection<Row>(`${rows.collectionName}-large`);
    for (let _id = 0; _id < 40; _id++) await large.insertOne({ _id, text });
    const { cursor } = await mongo.db.command({ find: large.collectionName, batchSize: 1_000 });
    assert.ok(
      cursor.firstBatch.length >= 15 && cursor.firstBatch.length <= 17,
      String(cursor.firstBatch.length),
    );
    assert.equal((await large.find().toArray()).length, 40);
  });

  it("is killed by id, once, and belongs to its session", async () => {
    const { id } = await first({ batchSize: 1 });
    const kill = () => mongo.db.command({ killCursors: rows.collectionName, cursors: [Long.fromValue(id)] });
    assert.equal((await kill()).cursorsKilled.length, 1);
    assert.equal((await kill()).cursorsNotFound.length, 1);
    await mongo.client.withSession(async (session) => {
      const { cursor } = await mongo.db.command({ find: rows.collectionName, batchSize: 1 }, { session });
      await mongo.client.withSession(async (other) => {
        await assert.rejects(
          mongo.db.command(
            { getMore: Long.fromValue(cursor.id), collection: rows.collectionName },
            { session: other },
          ),
          { code: 50738 },
        );
      });
    });
  });

  it("sorts more than one piece, stably and in both directions", async () => {
    const many = mongo.db.collection<Row & { k: number }>(`${rows.collectionName}-many`);
    await many.insertMany(Array.from({ length: 9_000 }, (_, _id) => ({ _id, k: (_id * 7919) % 13 })));
    const ids = (sign: 1 | -1) =>
      many
        .find()
        .sort({ k: sign, _id: 1 })
        .map(({ _id }) => _id)
        .toArray();
    const expected = (sign: 1 | -1) =>
      Array.from({ length: 9_000 }, (_, id) => id).sort(
        (a, b) => sign * (((a * 7919) % 13) - ((b * 7919) % 13)) || a - b,
      );
    assert.deepEqual(await ids(1), expected(1));
    assert.deepEqual(await ids(-1), expected(-1));
    const page = many
      .find()
      .sort({ k: 1, _id: 1 })
      .skip(4_000)
      .limit(20)
      .map(({ _id }) => _id);
    assert.deepEqual(await page.toArray(), expected(1).slice(4_000, 4_020));
  });
});
