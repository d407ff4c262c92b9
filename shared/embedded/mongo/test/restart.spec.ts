import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { Binary, type Document, Double, Int32, Long, MongoClient, UUID } from "mongodb";
import {
  type EmbeddedMongo,
  type EmbeddedMongoOptions,
  startEmbeddedMongo,
} from "../start-embedded-mongo.ts";
import { eventually } from "./eventually.ts";
import { directoryForTests, realServerUrl } from "./mongo.fixture.ts";
import { RawConnection } from "./raw-connection.fixture.ts";

describe("an embedded server that starts again", { skip: realServerUrl !== undefined }, () => {
  const directory = directoryForTests();
  let server: EmbeddedMongo | null = null;
  let client: MongoClient;
  let run = 0;

  const dir = () => join(directory.path, String(run));
  const start = async (options: Partial<EmbeddedMongoOptions> = {}) => {
    server = await startEmbeddedMongo({ dir: dir(), ...options } as EmbeddedMongoOptions);
    client = await new MongoClient(server.url).connect();
    return client.db("app");
  };
  const stop = async () => {
    await client?.close();
    await server?.close();
    server = null;
  };
  afterEach(async () => {
    await stop();
    run += 1;
  });

  /** A command as a retry sends it, with a session id and transaction number chosen by the test. */
  const send = async (command: Document): Promise<Document> => {
    const connection = await RawConnection.open(server!.url);
    try {
      return await connection.command(command);
    } finally {
      connection.close();
    }
  };
  const logFiles = async () => (await readdir(dir())).filter((name) => name.startsWith("log-")).sort();

  it("has views, validators and hidden indexes as they were last", async () => {
    const db = await start();
    await db.createCollection("ruled", { validator: { n: { $gt: 0 } } });
    await db.command({ collMod: "ruled", validator: { n: { $gt: 10 } } });
    await db.collection("ruled").insertOne({ n: 11 });
    await db.collection("ruled").createIndex({ n: 1 }, { hidden: true });
    await db.createCollection("seen", { viewOn: "ruled", pipeline: [{ $project: { _id: 0, n: 1 } }] });
    const before = await db.listCollections().toArray();
    await stop();
    const again = await start();
    assert.deepEqual(await again.listCollections().toArray(), before);
    assert.deepEqual(await again.collection("seen").find().toArray(), [{ n: 11 }]);
    await assert.rejects(again.collection("ruled").insertOne({ n: 5 }), { code: 121 });
    assert.equal((await again.collection("ruled").indexes())[1]!.hidden, true);
  });

  it("has documents with their types, natural order, indexes and collections as before", async () => {
    const db = await start();
    await db.createCollection("empty");
    await db.collection("dropped").insertOne({ a: 1 });
    await db.collection("old").insertOne({ a: 1 });
    await db.renameCollection("old", "renamed");
    await db.dropCollection("dropped");
    const things = db.collection("things");
    await things.createIndex({ n: 1 }, { unique: true });
    await things.createIndex({ gone: 1 });
    await things.createIndex(
      { when: 1 },
      { expireAfterSeconds: 3600, partialFilterExpression: { n: { $gt: 1 } } },
    );
    await things.dropIndex("gone_1");
    await things.insertMany([{ n: new Int32(3) }, { n: Long.fromNumber(1) }, { n: new Double(2) }, { n: 9 }]);
    await things.updateOne({ n: 3 }, { $set: { changed: true } });
    await things.deleteOne({ n: 9 });
    const before = {
      documents: await things.find({}, { promoteValues: false }).toArray(),
      indexes: await things.indexes(),
    };
    await stop();
    const again = await start();
    const after = again.collection("things");
    assert.deepEqual(
      { documents: await after.find({}, { promoteValues: false }).toArray(), indexes: await after.indexes() },
      before,
    );
    assert.deepEqual((await again.listCollections().toArray()).map(({ name }) => name).sort(), [
      "empty",
      "renamed",
      "things",
    ]);
    await assert.rejects(after.insertOne({ n: new Double(3) }), { code: 11000 });
  });

  it("returns the first result to a retried write", async () => {
    const lsid = { id: new Binary(new UUID().buffer, 4) };
    const numbered = (n: number) => ({ lsid, txnNumber: Long.fromNumber(n), $db: "app" });
    const documents = [
      { _id: 1, n: 0 },
      { _id: 2, n: 0 },
    ];
    const updates = [
      { q: { _id: 1 }, u: { $inc: { n: 1 } } },
      { q: { _id: 3 }, u: { $set: { n: 7 } }, upsert: true },
    ];
    const modification = { query: { _id: 2 }, update: { $inc: { n: 5 } }, new: true };
    const insert = { insert: "things", documents, ...numbered(1) };
    const update = { update: "things", updates, ...numbered(2) };
    const modify = { findAndModify: "things", ...modification, ...numbered(3) };
    const counts = ({ ok, n, nModified, upserted, value }: Document) => ({
      ok,
      n,
      nModified,
      upserted,
      value,
    });
    await start();
    for (const command of [insert, update, modify]) {
      const first = await send(command);
      assert.equal(first.ok, 1);
      assert.deepEqual(counts(await send(command)), counts(first));
      await stop();
      await start();
      assert.deepEqual(counts(await send(command)), counts(first));
    }
    const stored = await client
      .db("app")
      .collection<{ _id: number }>("things")
      .find()
      .sort({ _id: 1 })
      .toArray();
    assert.deepEqual(stored, [
      { _id: 1, n: 1 },
      { _id: 2, n: 5 },
      { _id: 3, n: 7 },
    ]);
    assert.equal((await send(insert)).code, 225);
  });

  it("makes a retry wait for the first attempt instead of executing it twice", async () => {
    const lsid = { id: new Binary(new UUID().buffer, 4) };
    await start();
    const things = client.db("app").collection<{ _id: number; n: number }>("things");
    await things.insertOne({ _id: 1, n: 0 });
    const holder = client.startSession();
    holder.startTransaction();
    await things.updateOne({ _id: 1 }, { $set: { held: true } }, { session: holder });
    const updates = [{ q: { _id: 1 }, u: { $inc: { n: 1 } } }];
    const increment = { update: "things", updates, lsid, txnNumber: Long.fromNumber(1), $db: "app" };
    const tries = [send(increment), send(increment), send(increment)];
    for (let i = 0; i < 5; i++) await client.db("app").command({ ping: 1 });
    await holder.commitTransaction();
    await holder.endSession();
    assert.deepEqual(
      (await Promise.all(tries)).map(({ n }) => n),
      [1, 1, 1],
    );
    assert.equal((await things.findOne({ _id: 1 }))?.n, 1);
  });

  it("recognises a repeated commit, and no commit that never happened", async () => {
    const lsid = { id: new Binary(new UUID().buffer, 4) };
    const part = (n: number) => ({ lsid, txnNumber: Long.fromNumber(n), autocommit: false });
    const commit = (n: number) => send({ commitTransaction: 1, ...part(n), $db: "admin" });
    await start();
    const documents = [{ _id: 1 }];
    await send({ insert: "things", documents, startTransaction: true, ...part(4), $db: "app" });
    assert.equal((await commit(4)).ok, 1);
    await stop();
    await start();
    assert.equal((await commit(4)).ok, 1);
    assert.equal(await client.db("app").collection("things").countDocuments(), 1);
    const unknown = await commit(5);
    assert.deepEqual([unknown.code, unknown.errorLabels], [251, ["TransientTransactionError"]]);
  });

  it("ignores a batch that a crash left unfinished at any byte", async () => {
    const logged: string[] = [];
    const db = await start();
    await db.collection("things").insertOne({ n: 1 });
    await stop();
    const [log] = await logFiles();
    const written = await readFile(join(dir(), log!));
    // A log reserves space by writing zeros: an unfinished batch may be in the middle of them.
    for (const rest of [
      Buffer.from([1, 2, 3]),
      Buffer.from("ffffff7f00000000aa", "hex"),
      Buffer.concat([Buffer.from([9]), Buffer.alloc(5_000_000)]),
      Buffer.alloc(5_000_000),
    ]) {
      await writeFile(join(dir(), log!), Buffer.concat([written, rest]));
      const again = await start({ log: (message) => logged.push(message) });
      assert.equal(await again.collection("things").countDocuments({}), 1);
      await stop();
      await rm(join(dir(), "log-00000001"), { force: true });
    }
    assert.deepEqual(
      logged.map((message) => /with (\d+) bytes of an interrupted write/.exec(message)?.[1]),
      ["3", "9", "1"],
    );
    // Without the end mark and the last byte of the frame before it.
    await writeFile(join(dir(), log!), written.subarray(0, -23));
    const shorter = await start();
    assert.equal(await shorter.collection("things").countDocuments({}), 0);
  });

  it("rejects a damaged snapshot", async () => {
    const db = await start({ compactAtBytes: 2_000 });
    await db.collection("things").insertMany(Array.from({ length: 100 }, (_, n) => ({ n })));
    await eventually(async () => (await readdir(dir())).some((name) => /^snapshot-\d+$/.test(name)));
    await stop();
    const snapshot = join(dir(), (await readdir(dir())).find((name) => name.startsWith("snapshot-"))!);
    const bytes = await readFile(snapshot);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(snapshot, bytes);
    await assert.rejects(startEmbeddedMongo({ dir: dir() }), { type: "MONGO_LOG_DAMAGED" });
  });

  it("replaces a long log by a snapshot while writes go on, and loses nothing", async () => {
    const db = await start({ compactAtBytes: 50_000 });
    const things = db.collection<{ _id: number; n: number; text: string }>("things");
    await things.createIndex({ n: 1 });
    await things.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id, n: 0, text: "x".repeat(200) })));
    let rewrites = 0;
    await eventually(async () => {
      await things.updateMany({}, { $inc: { n: 1 } });
      rewrites += 1;
      return rewrites > 20 && server!.stats().logBytes < 60_000 && (await logFiles())[0] !== "log-00000000";
    });
    await things.updateMany({}, { $inc: { n: 1 } });
    await stop();
    const again = (await start()).collection("things");
    assert.equal(await again.countDocuments({ n: rewrites + 1 }), 50);
    assert.ok((await readdir(dir())).length <= 3, "old files are removed");
  });
});
