import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { type Document, Double, Int32, Long } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";

const UNPROMOTED = { promoteValues: false, promoteLongs: false } as const;

/** A whole number of any numeric type, as programs in Go and Java decode into a 64-bit integer. */
const isWhole = (value: unknown): boolean =>
  value instanceof Int32 ||
  value instanceof Long ||
  (value instanceof Double && Number.isInteger(value.value));

/** Number fields of `serverStatus` that mongostat 100.8 decodes as integers. */
const STAT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  asserts: ["regular", "warning", "msg", "user", "rollovers"],
  connections: ["current", "available", "totalCreated"],
  network: ["bytesIn", "bytesOut", "numRequests"],
  opcounters: ["insert", "query", "update", "delete", "getmore", "command"],
  opcountersRepl: ["insert", "query", "update", "delete", "getmore", "command"],
  mem: ["bits", "resident", "virtual"],
  transactions: ["currentActive", "currentOpen", "totalStarted", "totalCommitted", "totalAborted"],
};

describe("serverStatus", () => {
  const mongo = mongoForTests();
  const status = (options: object = {}): Promise<Document> =>
    mongo.db.admin().command({ serverStatus: 1 }, options);

  it("has what mongostat reads, in types that it takes", async () => {
    const shown = await status(UNPROMOTED);
    for (const field of ["pid", "uptime", "uptimeMillis", "uptimeEstimate"])
      assert.ok(isWhole(shown[field]), `${field}: ${shown[field]}`);
    for (const [section, fields] of Object.entries(STAT_FIELDS)) {
      for (const field of fields) assert.ok(isWhole(shown[section]?.[field]), `${section}.${field}`);
    }
    // mongostat decodes all of these into a map of integers.
    for (const [name, value] of Object.entries(shown.asserts)) assert.ok(isWhole(value), `asserts.${name}`);
    for (const part of ["currentQueue", "activeClients"]) {
      for (const field of ["total", "readers", "writers"])
        assert.ok(isWhole(shown.globalLock[part][field]), part);
    }
    const { repl, storageEngine, host, version, process, localTime } = shown;
    for (const text of [repl.setName, repl.me, repl.hosts[0], storageEngine.name, host, version, process])
      assert.equal(typeof text, "string");
    assert.ok(localTime instanceof Date);
    assert.equal(repl.ismaster, true);
  });

  it("counts statements, traffic, transactions and errors", async () => {
    const earlier = await status();
    const items = mongo.db.collection<{ _id: number; n: number }>("items");
    await items.insertMany(Array.from({ length: 10 }, (_, n) => ({ _id: n, n })));
    await items.bulkWrite([
      { updateOne: { filter: { _id: 1 }, update: { $inc: { n: 1 } } } },
      { updateOne: { filter: { _id: 2 }, update: { $inc: { n: 1 } } } },
      { deleteOne: { filter: { _id: 3 } } },
    ]);
    await items.find({}, { batchSize: 4 }).toArray();
    await assert.rejects(mongo.db.command({ noSuchCommand: 1 }));
    await mongo.client.withSession((session) =>
      session.withTransaction(() => items.updateOne({ _id: 4 }, { $inc: { n: 1 } }, { session })),
    );
    const later = await status();
    const risen = (section: string, field: string) => later[section][field] - earlier[section][field];
    assert.equal(risen("opcounters", "insert"), 10);
    assert.equal(risen("opcounters", "update"), 3);
    assert.equal(risen("opcounters", "delete"), 1);
    assert.equal(risen("opcounters", "query"), 1);
    assert.ok(risen("opcounters", "getmore") >= 1);
    assert.ok(risen("opcounters", "command") >= 2);
    assert.ok(risen("network", "bytesIn") > 500);
    assert.ok(risen("network", "bytesOut") > 500);
    assert.ok(risen("network", "numRequests") >= 6);
    assert.ok(risen("asserts", "user") >= 1);
    assert.deepEqual(
      [risen("transactions", "totalStarted"), risen("transactions", "totalCommitted")],
      [1, 1],
    );
  });
});

describe("top", () => {
  const mongo = mongoForTests();

  it("has what mongotop reads of each collection", async () => {
    const items = mongo.db.collection("items");
    const totals = async (): Promise<Document> =>
      (await mongo.db.admin().command({ top: 1 }, UNPROMOTED)).totals;
    await items.insertOne({});
    const earlier = (await totals())[items.namespace];
    await items.find().toArray();
    await items.updateMany({}, { $set: { n: 1 } });
    const { note, ...later } = await totals();
    assert.equal(typeof note, "string");
    for (const sections of Object.values(later)) {
      for (const section of [
        "total",
        "readLock",
        "writeLock",
        "queries",
        "insert",
        "update",
        "remove",
        "commands",
      ])
        assert.ok(isWhole(sections[section].time) && isWhole(sections[section].count), section);
    }
    const risen = (section: string) =>
      Number(later[items.namespace][section].count) - Number(earlier[section].count);
    assert.deepEqual(["total", "readLock", "writeLock", "queries", "update"].map(risen), [2, 1, 1, 1, 1]);
    assert.ok(Number(later[items.namespace].total.time) > Number(earlier.total.time));
    await assert.rejects(mongo.db.command({ top: 1 }), { code: 13 });
  });
});

describe("currentOp", () => {
  const mongo = mongoForTests();

  it("shows itself, by command and by stage", async () => {
    const { inprog } = await mongo.db.admin().command({ currentOp: 1, "command.currentOp": 1 });
    assert.equal(inprog.length, 1);
    assert.equal(inprog[0].ns, "admin.$cmd");
    const staged = await mongo.client
      .db("admin")
      .aggregate([{ $currentOp: {} }])
      .toArray();
    assert.ok(staged.some(({ command }) => command?.aggregate === 1));
  });
});

describe("the profiler", () => {
  const mongo = mongoForTests();
  const items = () => mongo.db.collection<{ _id: number }>("items");
  const profile = () => mongo.db.collection("system.profile");
  const set = (command: Document) => mongo.db.command(command);
  before(async () => {
    await items().insertMany([{ _id: 1 }, { _id: 2 }]);
  });

  it("is off by default, and reports so", async () => {
    const { was, slowms, sampleRate } = await set({ profile: -1 });
    assert.deepEqual([was, slowms, sampleRate], [0, 100, 1]);
    await items().findOne({});
    assert.equal(await profile().countDocuments(), 0);
  });

  it("records every operation at level 2, each statement by itself", async () => {
    assert.equal((await set({ profile: 2 })).was, 0);
    assert.equal((await set({ profile: -1 })).was, 2);
    await items().find({ _id: 1 }).toArray();
    await items().bulkWrite([
      { updateOne: { filter: { _id: 1 }, update: { $set: { n: 1 } } } },
      { updateOne: { filter: { _id: 2 }, update: { $set: { n: 2 } } } },
    ]);
    await items().deleteOne({ _id: 2 });
    const entries = await profile().find({ ns: items().namespace }).toArray();
    assert.deepEqual(
      entries.map(({ op }) => op),
      ["query", "update", "update", "remove"],
    );
    assert.deepEqual(entries[0]!.command.filter, { _id: 1 });
    assert.deepEqual(entries[2]!.command.q, { _id: 2 });
    assert.equal(entries[0]!.nreturned, 1);
    for (const { ts, millis } of entries) assert.ok(ts instanceof Date && Number.isInteger(millis));
    // Reading the profile is an operation, too.
    assert.equal(await profile().countDocuments({ op: "query" }), 2);
    assert.equal(await profile().countDocuments({ op: "command" }), 1);
  });

  it("keeps a bounded number of entries, which only it writes", async () => {
    const text = "x".repeat(40_000);
    for (let n = 0; n < 40; n++) await items().findOne({ text, n } as object);
    const bytes = (await profile().find({}, { raw: true }).toArray()).reduce(
      (sum, entry) => sum + (entry as unknown as Uint8Array).length,
      0,
    );
    assert.ok(bytes < 2 ** 20 + 50_000, `${bytes}`);
    assert.ok(bytes > 2 ** 19, `${bytes}`);
    await assert.rejects(profile().insertOne({}), { code: 73 });
    await assert.rejects(profile().deleteMany({}), { code: 73 });
    await assert.rejects(mongo.db.command({ drop: "system.profile" }), { code: 20 });
  });

  it("records slow operations only at level 1, and nothing at level 0", async () => {
    await set({ profile: 0 });
    await profile().drop();
    await set({ profile: 1, slowms: 60_000 });
    await items().findOne({});
    assert.equal(await profile().countDocuments(), 0);
    await set({ profile: 1, slowms: 0 });
    await items().findOne({});
    await set({ profile: 0, slowms: 100 });
    assert.equal(await profile().countDocuments({ op: "query" }), 1);
    await assert.rejects(set({ profile: 1, sampleRate: 2 }), { code: 2 });
    await assert.rejects(set({ profile: 1, filter: { op: "query" } }), { code: 115 });
  });
});
