import assert from "node:assert/strict";
import { performance } from "node:perf_hooks";
import { describe, it } from "node:test";
import type { Document, MongoServerError } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

/** Longer than the search takes on a busy machine, shorter than it would take without a limit. */
const HELD_UP_MS = 20_000;

describe("regular expressions", () => {
  const mongo = mongoForTests();
  let count = 0;
  const filled = async (docs: Document[]) => {
    const items = mongo.db.collection<Document>(`patterns-${count++}`);
    await items.insertMany(docs);
    return items;
  };

  it("in the syntax of PCRE find what they mean, with and without an index", async () => {
    const items = await filled([{ s: "a.b" }, { s: "axb" }, { s: "日本" }, { s: "a\r\nb" }, { s: "42" }]);
    const expected: readonly (readonly [string, readonly string[]])[] = [
      ["\\Qa.b\\E", ["a.b"]],
      ["^\\Qa.\\E", ["a.b"]],
      ["^[[:digit:]]+$", ["42"]],
      ["\\x{65e5}", ["日本"]],
      ["^a\\Rb$", ["a\r\nb"]],
      ["a\\N{1}b", ["a.b", "axb"]],
      ["a(?#any).(?i)B", ["a.b", "axb"]],
      ["a++[.x]", ["a.b", "axb"]],
      ["(?>a|ax)b", []],
    ];
    for (const indexed of [false, true]) {
      if (indexed) await items.createIndex({ s: 1 });
      for (const [$regex, texts] of expected) {
        const found = await items.find({ s: { $regex } }).toArray();
        assert.deepEqual(found.map(({ s }) => s).sort(), [...texts].sort(), `${$regex}, index: ${indexed}`);
        const [grouped] = await items
          .aggregate([
            { $match: { $expr: { $regexMatch: { input: "$s", regex: $regex } } } },
            { $count: "n" },
          ])
          .toArray();
        assert.equal(grouped?.n ?? 0, texts.length, `${$regex} as an expression`);
      }
    }
  });

  it("give matches, positions and captures", async () => {
    const items = await filled([{ s: "日本: a1, b22" }]);
    const find = async (operator: string, regex: string) => {
      const [row] = await items
        .aggregate([{ $project: { r: { [operator]: { input: "$s", regex } } } }])
        .toArray();
      return row!.r;
    };
    assert.deepEqual(await find("$regexFind", "(?<letter>[[:lower:]])(\\d)(x)?"), {
      match: "a1",
      idx: 4,
      captures: ["a", "1", null],
    });
    assert.deepEqual(await find("$regexFindAll", "([a-z])\\d++"), [
      { match: "a1", idx: 4, captures: ["a"] },
      { match: "b22", idx: 8, captures: ["b"] },
    ]);
    assert.equal((await find("$regexFindAll", "x*")).length, 12);
    assert.equal(await find("$regexFind", "^(\\w+\\s?)*$"), null);
  });

  it("are rejected by name if they are invalid or not supported", async () => {
    const items = await filled([{ s: "a" }]);
    for (const $regex of ["(", "[b-a]", "\\Ga", "(?R)", "a(*PRUNE)b", "(a)?(?(1)b)"])
      await assert.rejects(items.findOne({ s: { $regex } }), { code: 51091 }, $regex);
    await assert.rejects(items.findOne({ s: { $regex: "a", $options: "g" } }), { code: 51108 });
  });

  it("with exponential backtracking do not block other clients", async () => {
    const items = await filled(
      Array.from({ length: 200 }, (_, i) => ({ s: `${"a".repeat(40)}${i % 2 ? "" : "!"}` })),
    );
    let longest = 0;
    let isOver = false;
    const pings = (async () => {
      while (!isOver) {
        const start = performance.now();
        await mongo.db.command({ ping: 1 });
        longest = Math.max(longest, performance.now() - start);
      }
    })();
    for (const [$regex, expected] of [
      ["^(a+)+$", 100],
      ["^(a|aa)+$", 100],
      ["^([a-z]+)*!$", 100],
      ["(.*)*x", 0],
    ] as const)
      assert.equal(await items.countDocuments({ s: { $regex } }), expected, $regex);
    isOver = true;
    await pings;
    assert.ok(longest < HELD_UP_MS, `a ping took ${longest} ms`);
  });

  it("that each take long end at maxTimeMS, and other clients are served meanwhile", async () => {
    // The reference requires backtracking, which takes about 50 ms per document.
    const $regex = "^(a+)+\\1$";
    const items = await filled(Array.from({ length: 1_000 }, () => ({ s: `${"a".repeat(16)}!` })));
    const start = performance.now();
    const search = items.countDocuments({ s: { $regex } }, { maxTimeMS: 300 });
    const outcome = search.then(
      () => null,
      (error: MongoServerError) => error,
    );
    await mongo.db.command({ ping: 1 });
    assert.equal((await outcome)?.code, 50);
    assert.ok(performance.now() - start < HELD_UP_MS);
  });

  it("in the expressions of a pipeline end at maxTimeMS as well", async () => {
    const items = await filled(Array.from({ length: 1_000 }, () => ({ s: `${"a".repeat(16)}!` })));
    const r = { $regexMatch: { input: "$s", regex: "^(a+)+\\1$" } };
    for (const pipeline of [
      [{ $limit: 1_000 }, { $project: { r } }],
      [{ $limit: 1_000 }, { $match: { $expr: r } }],
    ]) {
      const start = performance.now();
      const search = items.aggregate(pipeline, { maxTimeMS: 300 }).toArray();
      const outcome = assert.rejects(search, { code: 50 });
      await mongo.db.command({ ping: 1 });
      await outcome;
      assert.ok(performance.now() - start < HELD_UP_MS);
    }
  });

  it("that take too many steps are ended with the server's code", async () => {
    const items = await filled([{ s: `${"a".repeat(60)}!` }]);
    await assert.rejects(items.findOne({ s: { $regex: "^(a+)+\\1$" } }), { code: 51156 });
  });
});
