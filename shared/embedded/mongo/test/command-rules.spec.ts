import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BSON, type Document } from "mongodb";
import { mongoForTests } from "./mongo.fixture.ts";
import { RawConnection } from "./raw-connection.fixture.ts";

const { Long, Timestamp, UUID } = BSON;

type Rule = readonly [command: Document, code: number];

const set = { $set: { a: 1 } };
const update = (statement: Document): Document => ({ update: "items", updates: [statement] });
const remove = (statement: Document): Document => ({ delete: "items", deletes: [statement] });
const insert = (options: Document = {}): Document => ({ insert: "items", documents: [{}], ...options });
const find = (options: Document): Document => ({ find: "items", ...options });
const aggregate = (options: Document): Document => ({
  aggregate: "items",
  pipeline: [],
  cursor: {},
  ...options,
});
const index = (key: Document, options: Document = {}): Document => ({
  createIndexes: "items",
  indexes: [{ key, name: "made", ...options }],
});
const admin = (command: Document): Document => ({ ...command, $db: "admin" });
const one = Long.fromNumber(1);

const STRICT: readonly Document[] = [
  find({}),
  insert(),
  update({ q: {}, u: set }),
  remove({ q: {}, limit: 0 }),
  aggregate({}),
  { count: "items" },
  { distinct: "items", key: "a" },
  { findAndModify: "items", update: set },
  { create: "made" },
  { collMod: "items" },
  { drop: "missing" },
  { dropDatabase: 1 },
  { listCollections: 1 },
  { listIndexes: "items" },
  { createIndexes: "items", indexes: [{ key: { a: 1 }, name: "a_1" }] },
  { dropIndexes: "items", index: "a_1" },
  { getMore: one, collection: "items" },
  { killCursors: "items", cursors: [] },
  admin({ listDatabases: 1 }),
  admin({ renameCollection: "a.b", to: "a.c" }),
  { endSessions: [] },
  { explain: { find: "items" } },
];

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  "a field that the command does not have": [
    ...STRICT.map((command): Rule => [{ ...command, noSuchField: 1 }, 40415]),
    [update({ q: {}, u: set, noSuchField: 1 }), 40415],
    [update({ q: { _id: "a" }, u: set, multi: false, noSuchField: 1 }), 40415],
    [remove({ q: {}, limit: 1, noSuchField: 1 }), 40415],
    [aggregate({ cursor: { noSuchField: 1 } }), 40415],
    [{ listCollections: 1, cursor: { noSuchField: 1 } }, 40415],
    [find({ readConcern: { noSuchField: 1 } }), 40415],
  ],
  "a missing field": [
    [{ aggregate: "items", pipeline: [] }, 9],
    [{ aggregate: "items", cursor: {} }, 40414],
    [update({ u: set }), 40414],
    [update({ q: {} }), 40414],
    [remove({ q: {} }), 40414],
    [remove({ limit: 1 }), 40414],
    [{ insert: "items" }, 40414],
    [{ distinct: "items" }, 40414],
    [{ getMore: one }, 40414],
    [{ createIndexes: "items", indexes: [{ key: { a: 1 } }] }, 9],
    [{ createIndexes: "items", indexes: [{ name: "a_1" }] }, 9],
    [find({ lsid: {} }), 40414],
  ],
  "a value of another type": [
    [find({ filter: 1 }), 14],
    [find({ filter: [] }), 14],
    [find({ projection: "a" }), 14],
    [find({ limit: "a" }), 14],
    [find({ singleBatch: "a" }), 14],
    [find({ hint: 1 }), 9],
    [find({ maxTimeMS: "a" }), 2],
    [find({ maxTimeMS: -1 }), 2],
    [find({ readConcern: { level: 1 } }), 14],
    [find({ readConcern: { afterClusterTime: 1 } }), 14],
    [insert({ ordered: 1 }), 14],
    [insert({ documents: [1] }), 14],
    [update({ q: {}, u: set, multi: 1 }), 14],
    [update({ q: {}, u: set, upsert: 1 }), 14],
    [update({ q: {}, u: set, arrayFilters: [1] }), 14],
    [update({ q: {}, u: set, hint: 1 }), 9],
    [remove({ q: 1, limit: 1 }), 14],
    [aggregate({ cursor: { batchSize: "a" } }), 14],
    [aggregate({ cursor: { batchSize: -1 } }), 51024],
    [aggregate({ aggregate: 2 }), 9],
    [{ findAndModify: "items", remove: true, arrayFilters: [] }, 9],
    [{ getMore: "a", collection: "items" }, 14],
    [{ getMore: one, collection: "items", batchSize: -1 }, 51024],
    [{ dropIndexes: "items", index: 1 }, 14],
  ],
  "a name that cannot be": [
    [{ find: "a$b" }, 73],
    [{ find: "" }, 73],
    [{ getMore: one, collection: "" }, 73],
    [find({ $db: "a b" }), 73],
    [find({ $db: "a.b" }), 73],
    [find({ sort: { "": 1 } }), 40352],
    [find({ sort: { "a.": 1 } }), 40353],
    [find({ sort: { "a..b": 1 } }), 15998],
    [find({ sort: { $a: 1 } }), 16410],
  ],
  "a read concern that does not fit": [
    [find({ readConcern: { level: "none" } }), 2],
    [insert({ readConcern: { level: "majority" } }), 72],
    [{ listIndexes: "items", readConcern: { level: "majority" } }, 72],
    [{ count: "items", readConcern: { level: "snapshot" } }, 72],
    [find({ readConcern: { level: "linearizable", afterClusterTime: new Timestamp({ t: 1, i: 1 }) } }), 72],
    [find({ readConcern: { level: "local", atClusterTime: new Timestamp({ t: 1, i: 1 }) } }), 72],
  ],
  "a write concern that does not fit": [
    [find({ writeConcern: { w: 1 } }), 72],
    [aggregate({ writeConcern: { w: 1 } }), 72],
    [insert({ writeConcern: 1 }), 14],
    [insert({ writeConcern: { w: -1 } }), 9],
    [insert({ writeConcern: { w: 51 } }), 9],
    [insert({ writeConcern: { w: true } }), 9],
    [insert({ writeConcern: { j: "a" } }), 14],
    [insert({ writeConcern: { j: true, fsync: true } }), 9],
  ],
  "an index that cannot be": [
    [index({ a: 0 }), 67],
    [index({ a: true }), 67],
    [index({}), 67],
    [index({ a: 1 }, { v: 3 }), 67],
    [index({ a: 1 }, { name: "" }), 67],
    [index({ a: 1 }, { name: "*" }), 2],
    [index({ a: 1 }, { name: 1 }), 14],
    [index({ a: 1 }, { unique: "a" }), 14],
    [index({ a: 1 }, { expireAfterSeconds: "a" }), 14],
    [index({ a: 1 }, { expireAfterSeconds: -1 }), 67],
    [index({ a: 1, b: 1 }, { expireAfterSeconds: 1 }), 67],
    [index({ a: 1 }, { partialFilterExpression: 1 }), 14],
    [index({ a: 1 }, { partialFilterExpression: { a: { $ne: 1 } } }), 67],
    [index({ a: 1 }, { partialFilterExpression: { a: /x/ } }), 67],
    [index({ a: 1 }, { partialFilterExpression: { $or: [{ a: 1 }, { b: /x/ }] } }), 67],
    [index({ $id: 1 }), 67],
    [index({ "a.$x": 1 }), 67],
    [index({ a: 1 }, { noSuchOption: 1 }), 197],
    [index({ _id: 1 }, { unique: true }), 197],
    [{ createIndexes: "items", indexes: [{ key: 1, name: "a" }] }, 14],
    [{ createIndexes: "items", indexes: [] }, 2],
    [{ collMod: "items", index: { name: "_id_", hidden: true } }, 2],
    [{ collMod: "items", index: { name: "missing", hidden: true } }, 27],
    [{ dropIndexes: "items", index: "_id_" }, 72],
    [{ dropIndexes: "items", index: "missing" }, 27],
  ],
  "a collection that cannot be": [
    [{ create: "made", size: 10 }, 72],
    [{ create: "made", max: 10 }, 72],
    [{ create: "made", capped: true }, 72],
    [{ create: "made", expireAfterSeconds: 1 }, 72],
    [{ create: "made", collation: {} }, 2],
    [{ create: "made", validationLevel: "none" }, 2],
    [{ create: "system.made" }, 73],
    [insert({ insert: "system.made" }), 73],
    [{ collMod: "missing" }, 26],
    [aggregate({ pipeline: [{ $out: { db: "a", coll: "b", noSuchField: 1 } }] }), 40415],
    [admin({ renameCollection: "a.missing", to: "a.b" }), 26],
    [{ aggregate: 1, pipeline: [{ $currentOp: {} }], cursor: {} }, 73],
  ],
  "a version of the API": [
    [find({ apiVersion: "2" }), 322],
    [find({ apiVersion: 1 }), 14],
    [find({ apiStrict: true }), 4886600],
    [find({ apiVersion: "1", apiStrict: true, returnKey: true }), 323],
    [{ distinct: "items", key: "a", apiVersion: "1", apiStrict: true }, 323],
    [aggregate({ pipeline: [{ $indexStats: {} }], apiVersion: "1", apiStrict: true }), 323],
  ],
};

describe("what a server always reports", () => {
  const mongo = mongoForTests();

  it("is its own databases", async () => {
    const { databases } = await mongo.client.db("admin").command({ listDatabases: 1, nameOnly: true });
    const names = databases.map(({ name }: Document) => name);
    for (const name of ["admin", "config", "local"]) assert.ok(names.includes(name), name);
  });

  it("is the option background of an index, while dropDups changes nothing", async () => {
    const items = mongo.db.collection("items");
    const key = { a: 1 };
    await mongo.db.command({
      createIndexes: "items",
      indexes: [{ key, name: "made", background: true, dropDups: true }],
    });
    const made = (await items.listIndexes().toArray()).find(({ name }) => name === "made")!;
    assert.deepEqual([made.background, made.dropDups], [true, undefined]);
    await items.createIndex(key, { name: "made" });
  });
});

describe("a command is rejected for", () => {
  const mongo = mongoForTests();
  let connection: RawConnection;
  before(async () => {
    connection = await RawConnection.open(mongo.url);
    await mongo.db.collection("items").insertOne({ a: 1 });
  });
  after(() => connection.close());
  const send = (command: Document) =>
    connection.command({ ...command, $db: command.$db ?? mongo.db.databaseName });

  for (const [name, rules] of Object.entries(RULES)) {
    it(name, async () => {
      for (const [command, code] of rules) {
        const reply = await send(command);
        const got = reply.ok === 1 ? reply.writeErrors?.[0].code : reply.code;
        assert.equal(got, code, BSON.EJSON.stringify({ command, reply }));
      }
      assert.equal(await mongo.db.collection("items").countDocuments({}), 1);
    });
  }

  it("numbers and concerns that do not fit its session", async () => {
    const lsid = { id: new UUID() };
    const refused: readonly Rule[] = [
      [find({ txnNumber: one }), 72],
      [find({ lsid, txnNumber: one }), 50768],
      [{ create: "made", lsid, txnNumber: one }, 50768],
      [insert({ lsid, txnNumber: 1 }), 14],
      [insert({ lsid, txnNumber: Long.fromNumber(-1) }), 72],
      [find({ lsid, autocommit: false }), 72],
      [find({ lsid, startTransaction: true }), 72],
      [find({ lsid, txnNumber: one, startTransaction: true }), 72],
      [find({ lsid, txnNumber: one, autocommit: true }), 72],
      [find({ lsid, txnNumber: one, autocommit: false, startTransaction: false }), 72],
      [update({ q: {}, u: set, multi: true }), 72],
      [remove({ q: {}, limit: 0 }), 72],
      [insert({ stmtId: 0, stmtIds: [0] }), 72],
    ];
    for (const [command, code] of refused) {
      const isWrite = !("find" in command || "create" in command || "lsid" in command);
      const reply = await send(isWrite ? { ...command, lsid, txnNumber: one } : command);
      assert.deepEqual([reply.ok, reply.code], [0, code], BSON.EJSON.stringify({ command, reply }));
    }
  });

  it("what is not allowed in a transaction", async () => {
    const refused: readonly Rule[] = [
      [find({ readConcern: { level: "linearizable" } }), 72],
      [find({ readConcern: { level: "available" } }), 72],
      [insert({ writeConcern: { w: 1 } }), 72],
      [find({ $db: "config" }), 263],
      [find({ $db: "local" }), 263],
      [admin(insert()), 263],
      [{ count: "items" }, 263],
      [{ create: "items" }, 48],
      [{ listIndexes: "items" }, 263],
    ];
    for (const [command, code] of refused) {
      const transaction = {
        lsid: { id: new UUID() },
        txnNumber: one,
        autocommit: false,
        startTransaction: true,
      };
      const reply = await send({ ...command, ...transaction });
      assert.deepEqual([reply.ok, reply.code], [0, code], BSON.EJSON.stringify({ command, reply }));
    }
  });

  it("a database whose name differs from another's by case only", async () => {
    const $db = mongo.db.databaseName.toUpperCase();
    for (const command of [
      { create: "made", $db },
      { ...index({ a: 1 }), $db },
    ]) {
      const reply = await send(command);
      assert.deepEqual([reply.ok, reply.code], [0, 13297], BSON.EJSON.stringify({ command, reply }));
    }
    const reply = await send({ ...insert(), $db });
    assert.equal(reply.writeErrors?.[0].code, 13297, BSON.EJSON.stringify(reply));
  });

  it("a time limit on the next batch of a cursor that waits for nothing", async () => {
    const opened = await send(find({ batchSize: 0 }));
    const next = { getMore: opened.cursor.id, collection: "items" };
    const refused = await send({ ...next, maxTimeMS: 100 });
    assert.deepEqual([refused.ok, refused.code], [0, 2]);
    assert.equal((await send(next)).cursor.nextBatch.length, 1);
  });

  it("no reason if an index is on the fields of a DBRef", async () => {
    const references = mongo.db.collection("references");
    await references.createIndexes([{ key: { "a.$id": 1 } }, { key: { "a.$ref": 1, "a.$id": -1 } }]);
    await references.insertMany([{ a: { $ref: "c", $id: 1 } }, { a: { $ref: "c", $id: 2 } }]);
    assert.equal(await references.countDocuments({ "a.$id": 2 }), 1);
    const sorted = await references.find().sort({ "a.$id": -1 }).toArray();
    assert.equal(sorted.length, 2);
  });

  it("a write concern, in addition to the error of the command", async () => {
    const reply = await send({
      findAndModify: "items",
      query: { a: 1 },
      update: { $set: { _id: 5 } },
      writeConcern: { w: 3 },
    });
    assert.deepEqual([reply.ok, reply.code, reply.writeConcernError.code], [0, 66, 100]);
  });

  it("no reason if a retry repeats its result", async () => {
    const retried = insert({ lsid: { id: new UUID() }, txnNumber: one, documents: [{ b: 1 }] });
    assert.deepEqual((await send(retried)).retriedStmtIds, undefined);
    const again = await send(retried);
    assert.deepEqual([again.n, again.retriedStmtIds], [1, [0]]);
    assert.equal(await mongo.db.collection("items").countDocuments({ b: 1 }), 1);
  });
});
