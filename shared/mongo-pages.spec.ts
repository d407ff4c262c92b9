import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Collection, ObjectId } from "mongodb";
import { startTestMongo, type TestMongo } from "../test/mongo.ts";
import { type MongoPages, mongoPages, sortOf } from "./mongo-pages.ts";
import { rowsOf } from "./rows-of.ts";

interface Row {
  readonly _id: ObjectId;
  readonly number: number;
  readonly text: string;
}
interface Shown {
  readonly number: number;
  readonly text: string;
}

/** What NATS takes as it comes. */
const MESSAGE_BYTES = 1_048_576;

describe("rows of a collection, a message at a time", () => {
  let mongo: TestMongo;
  before(async () => {
    mongo = await startTestMongo();
  });
  after(() => mongo?.close());

  let collections = 0;
  /** A collection of these texts, and what reads it; every answer is checked for its size. */
  async function stored(texts: readonly string[]) {
    collections += 1;
    const rows = mongo.db.collection<Row>(`rows_${collections}`);
    const documents = texts.map((text, number) => ({ _id: new ObjectId(), number, text }));
    for (let at = 0; at < documents.length; at += 5000) await rows.insertMany(documents.slice(at, at + 5000));
    const pages = mongoPages<Row, Shown>(rows, ({ number, text }) => ({ number, text }));
    const sent: number[] = [];
    const measured = <T>(response: T): T => {
      sent.push(Buffer.byteLength(JSON.stringify(response)));
      assert.ok((sent.at(-1) ?? 0) < MESSAGE_BYTES - 10_000, `an answer takes ${sent.at(-1)} bytes`);
      return response;
    };
    const read: MongoPages<Shown>["rows"] = async (query) => measured(await pages.rows(query));
    const page = async (page: number, limit: number, order?: "asc" | "desc") =>
      measured(
        await pages.page(
          {
            page,
            limit,
            filter: {},
            sort: sortOf({ order, orderField: "number" }, { number: "number", createdAt: "at" }),
          },
          () => rows.countDocuments(),
        ),
      );
    const all = async ({ items, rest = [] }: { items: readonly Shown[]; rest?: readonly string[] }) => {
      const found = [...items];
      for await (const later of rowsOf(rest, read)) found.push(...later);
      return found;
    };
    return { rows, documents, page, read, all, sent };
  }

  const numbers = (rows: readonly Shown[]) => rows.map(({ number }) => number);
  const upTo = (count: number) => Array.from({ length: count }, (_, number) => number);

  it("returns a page that fits into one response", async () => {
    const { page, sent } = await stored(upTo(30).map(String));
    const { items, total, rest } = await page(2, 10, "desc");
    assert.deepEqual(numbers(items), [19, 18, 17, 16, 15, 14, 13, 12, 11, 10]);
    assert.deepEqual([total, rest, sent.length], [30, undefined, 1]);
  });

  it("returns a larger page in several, complete and in order", async () => {
    const { page, all, sent } = await stored(upTo(100).map(() => "x".repeat(60_000)));
    const found = await page(1, 0);
    assert.equal(found.total, 100);
    assert.deepEqual(numbers(await all(found)), upTo(100));
    assert.ok(sent.length > 10);
  });

  for (const [what, unit, count] of [
    ["plain text", "x", 1_500_000],
    ["text that JSON escapes", '"\\\n', 300_000],
    ["characters of three bytes", "任务", 300_000],
    ["pairs of surrogates", "😀", 300_000],
  ] as const) {
    it(`has a row larger than a message, of ${what}, among small ones`, async () => {
      const texts = ["a", "b", unit.repeat(count), "c", "d"];
      const { page, all } = await stored(texts);
      const found = await all(await page(1, 10));
      assert.deepEqual(numbers(found), upTo(5));
      assert.ok(found.every(({ text }, number) => text === texts[number]));
    });
  }

  it("returns ten thousand rows, and rejects more", async () => {
    const { rows, page, all } = await stored(upTo(10_000).map(String));
    for (const limit of [0, 10_000, 99_999]) assert.equal((await all(await page(1, limit))).length, 10_000);
    await rows.insertOne({ _id: new ObjectId(), number: 10_000, text: "one more" });
    const tooLong = { type: "LIST_TOO_LONG", code: 400 };
    await assert.rejects(page(1, 0), tooLong);
    await assert.rejects(page(1, 10_001), tooLong);
    assert.deepEqual(numbers((await page(2, 10_000)).items), [10_000]);
    assert.equal((await page(1, 10_000)).total, 10_001);
  });

  describe("while rows change", () => {
    const large = "x".repeat(1_500_000);

    it("leaves out those that are deleted meanwhile, large ones too", async () => {
      const { rows, page, all } = await stored([
        "a",
        large,
        "b".repeat(400_000),
        "c".repeat(400_000),
        large,
        "d",
      ]);
      const found = await page(1, 0);
      await rows.deleteMany({ number: { $in: [2, 4] } });
      assert.deepEqual(numbers(await all(found)), [0, 1, 3, 5]);
    });

    it("begins a large row again that changes between its pieces", async () => {
      const { rows, documents, read } = await stored([large]);
      const { _id } = documents[0] as Row;
      let changes = 0;
      const changing: typeof read = async (query) => {
        if ((query.from ?? 0) > 0 && changes < 2) {
          changes += 1;
          await change(rows, _id, changes);
        }
        return read(query);
      };
      const [[row] = []] = await collected(rowsOf([_id.toHexString()], changing));
      assert.equal(row?.text, `2${large}`);
    });

    it("gives up a row that always changes, so that no call waits for ever", async () => {
      const { rows, documents, read } = await stored([large]);
      const { _id } = documents[0] as Row;
      let changes = 0;
      const changing: typeof read = async (query) => {
        changes += 1;
        await change(rows, _id, changes);
        return read(query);
      };
      await assert.rejects(collected(rowsOf([_id.toHexString()], changing)), { type: "ROW_CHANGING" });
    });

    const change = (rows: Collection<Row>, _id: ObjectId, mark: number) =>
      rows.updateOne({ _id }, { $set: { text: `${mark}${large}` } });
  });
});

async function collected<T>(blocks: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const block of blocks) all.push(block);
  return all;
}
