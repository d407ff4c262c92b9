import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Collection, Document, Filter, IndexDescription } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

/** Set these to repeat a failed run, or for a longer run. */
const SEED = Number(process.env.PLANNER_SEED ?? Date.now() % 1_000_000);
const REPETITIONS = Number(process.env.PLANNER_REPETITIONS ?? 2);
const QUERIES = 120;

/** A linear congruential generator: the same seed gives the same test. */
class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }
  roll(sides: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * sides);
  }
  pick<T>(items: readonly T[]): T {
    return items[this.roll(items.length)]!;
  }
}

const FIELDS = ["a", "b", "c.x", "c.y", "d"];

function scalar(dice: Dice): unknown {
  switch (dice.roll(8)) {
    case 0:
      return null;
    case 1:
      return dice.pick(["", "a", "A", "á", "ab", "aB", "b", "B", "zz"]);
    case 2:
      return new Date(dice.roll(5) * 1000);
    case 3:
      return dice.roll(20) / 4;
    case 4:
      return dice.roll(2) === 0;
    default:
      return dice.roll(8);
  }
}

function fieldValue(dice: Dice): unknown {
  if (dice.roll(5) > 0) return scalar(dice);
  return Array.from({ length: dice.roll(4) }, () => scalar(dice));
}

function someDocument(dice: Dice, _id: number): Document & { _id: number } {
  const document: Document & { _id: number } = { _id };
  for (const name of ["a", "b", "d"]) if (dice.roll(4) > 0) document[name] = fieldValue(dice);
  const inner = () => ({
    ...(dice.roll(3) > 0 && { x: scalar(dice) }),
    ...(dice.roll(3) > 0 && { y: scalar(dice) }),
  });
  if (dice.roll(3) > 0) document.c = dice.roll(3) > 0 ? inner() : Array.from({ length: dice.roll(3) }, inner);
  // An index cannot hold two arrays that multiply each other: one document has one array.
  const arrays = Object.keys(document).filter((name) => Array.isArray(document[name]));
  for (const name of arrays.slice(1)) delete document[name];
  return document;
}

function condition(dice: Dice): unknown {
  switch (dice.roll(9)) {
    case 0:
      return { $in: Array.from({ length: 1 + dice.roll(4) }, () => scalar(dice)) };
    case 1:
      return { $gte: dice.roll(8), $lt: dice.roll(10) };
    case 2:
      return { [dice.pick(["$gt", "$gte", "$lt", "$lte"])]: scalar(dice) ?? 1 };
    case 3:
      return { $exists: dice.roll(2) === 0 };
    case 4:
      return { $ne: scalar(dice) };
    case 5:
      return { $gt: new Date(dice.roll(5) * 1000) };
    default:
      return scalar(dice);
  }
}

function someFilter(dice: Dice): Filter<Document> {
  const filter: Document = {};
  for (let i = dice.roll(3); i >= 0; i--) filter[dice.pick(FIELDS)] = condition(dice);
  if (dice.roll(6) === 0) return { $and: [filter, { [dice.pick(FIELDS)]: condition(dice) }] };
  if (dice.roll(4) === 0) return { $or: [filter, { [dice.pick(FIELDS)]: condition(dice) }] };
  return filter;
}

const CASELESS = { locale: "en", strength: 2 };

function someIndex(dice: Dice, number: number): IndexDescription {
  const key: Record<string, 1 | -1> = {};
  for (let i = dice.roll(3); i >= 0; i--) key[dice.pick(FIELDS)] = dice.roll(2) === 0 ? 1 : -1;
  const kind = dice.roll(5);
  return {
    key,
    name: `index-${number}`,
    ...(kind === 0 && { sparse: true }),
    ...(dice.roll(3) === 0 && { collation: CASELESS }),
    ...(kind === 1 && {
      partialFilterExpression: dice.pick([{ a: { $exists: true } }, { b: { $gte: 3 } }, { d: "a" }]),
    }),
  };
}

describe(`the planner against a full scan (PLANNER_SEED=${SEED})`, () => {
  const mongo = mongoForTests();
  const dice = new Dice(SEED);
  let indexed = 0;

  const compare = async (items: Collection<Document & { _id: number }>, filter: Filter<Document>) => {
    const sort: [string, 1 | -1][] = [
      [dice.pick(FIELDS), dice.pick([1, -1] as const)],
      ["_id", 1],
    ];
    const isSorted = dice.roll(2) === 0;
    const limit = dice.roll(3) === 0 ? 1 + dice.roll(10) : 0;
    const options = dice.pick([
      {},
      {},
      { collation: CASELESS },
      { collation: { locale: "en", strength: 1 } },
    ]);
    const run = async (hint?: Document) => {
      const given = { ...options, ...(hint && { hint }) };
      const cursor = items.find(filter as Filter<Document & { _id: number }>, given);
      if (isSorted) cursor.sort(sort).limit(limit);
      const ids = await cursor.map(({ _id }) => _id).toArray();
      return isSorted ? ids : ids.sort((a, b) => a - b);
    };
    const expected = await run({ $natural: 1 });
    const explained = await items
      .find(filter as Filter<Document & { _id: number }>, options)
      .explain("queryPlanner");
    if (JSON.stringify(explained.queryPlanner.winningPlan).includes("IXSCAN")) indexed += 1;
    const shown = `${JSON.stringify(filter)} sort ${isSorted ? JSON.stringify(sort) : "-"} limit ${limit} ${JSON.stringify(options)}`;
    assert.deepEqual(await run(), expected, shown);
    if (!isSorted)
      assert.equal(
        await items.countDocuments(filter as Filter<Document & { _id: number }>, options),
        expected.length,
        shown,
      );
  };

  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    it(`finds the same documents in the same order, collection ${repetition}`, async () => {
      const items = mongo.db.collection<Document & { _id: number }>(`random-${repetition}`);
      await items.insertMany(Array.from({ length: 150 }, (_, id) => someDocument(dice, id)));
      for (let i = 0; i < 6; i++) await items.createIndexes([someIndex(dice, i)]).catch(refuseTwins);
      for (let query = 0; query < QUERIES; query++) {
        await compare(items, someFilter(dice));
        await change(items, dice);
      }
    });
  }

  it("has used indexes for a good part of the queries", () => {
    assert.ok(indexed > (REPETITIONS * QUERIES) / 5, `${indexed} of ${REPETITIONS * QUERIES}`);
  });
});

/** Two random indexes may have the same definition under two names. */
function refuseTwins(error: { code?: number }): void {
  if (error.code !== 85 && error.code !== 86) throw error;
}

async function change(items: Collection<Document & { _id: number }>, dice: Dice): Promise<void> {
  const _id = dice.roll(150);
  const kind = dice.roll(4);
  if (kind === 0) await items.deleteOne({ _id });
  else if (kind === 1) await items.replaceOne({ _id }, someDocument(dice, _id), { upsert: true });
  else if (kind === 2) await items.updateOne({ _id }, { $set: { a: scalar(dice) } });
  else await items.updateOne({ _id }, { $unset: { b: "" } });
}
