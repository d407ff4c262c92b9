import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type EmbeddedMongo, startEmbeddedMongo } from "@kinit/embedded-mongo";
import { dumpLines } from "@kinit/embedded-mongo/dump";
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  MongoClient,
  ObjectId,
  Timestamp,
  UUID,
} from "mongodb";
import { freePort } from "../test/free-port.ts";
import { runMongoCommand } from "./mongo-command.ts";

const KINIT = fileURLToPath(new URL("kinit.ts", import.meta.url));

/** A value of every type of the driver, at its limits, and keys that JavaScript objects would reorder. */
const everyType = (): Map<string, unknown> =>
  new Map<string, unknown>([
    ["_id", new ObjectId("507f1f77bcf86cd799439011")],
    ["z", 1],
    ["10", "a key like a number behind another key"],
    ["2", "and a smaller one behind it"],
    ["__proto__", { polluted: true }],
    [
      "doubles",
      [
        new Double(5),
        new Double(-0),
        new Double(Number.NaN),
        new Double(Number.NEGATIVE_INFINITY),
        1.5,
        1e300,
        5e-324,
      ],
    ],
    ["integers", [new Int32(-2147483648), Long.MAX_VALUE, Long.MIN_VALUE, Long.fromNumber(1)]],
    [
      "decimals",
      [
        Decimal128.fromString("1.10"),
        Decimal128.fromString("-1E-6176"),
        Decimal128.fromString("NaN"),
        Decimal128.fromString("9.999999999999999999999999999999999E+6144"),
      ],
    ],
    ["texts", ["", "äöü €  \u2028 \u0000 end", "🎉", '"quoted" \\ and\n\ttabs']],
    ["dates", [new Date(0), new Date(-1), new Date(8.64e15)]],
    [
      "binaries",
      [
        new Binary(Buffer.from([0, 255]), 0),
        new UUID("a8a2ae0f-9f5c-4a80-8d0c-6e9a3d5c2d11"),
        new Binary(Buffer.alloc(0), 0x80),
        new Binary(Buffer.from("old"), 2),
      ],
    ],
    ["regex", new BSONRegExp('^a/b"', "im")],
    ["codes", [new Code("function() {}"), new Code("x", { a: new Double(1) })]],
    ["symbol", new BSONSymbol("symbol")],
    ["timestamp", new Timestamp({ t: 4294967295, i: 4294967295 })],
    ["keys", [new MinKey(), new MaxKey(), null, true, false]],
    ["nested", { empty: {}, list: [[], [[1]], {}] }],
  ]);

describe("kinit mongo", () => {
  let directory = "";
  let source: EmbeddedMongo;
  let target: EmbeddedMongo;
  let from: MongoClient;
  let to: MongoClient;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "kinit-mongo-"));
    [source, target] = await Promise.all([
      startEmbeddedMongo({ memory: true }),
      startEmbeddedMongo({ memory: true }),
    ]);
    [from, to] = await Promise.all([
      new MongoClient(source.url).connect(),
      new MongoClient(target.url).connect(),
    ]);
  });
  after(async () => {
    await Promise.all([from.close(), to.close()]);
    await Promise.all([source.close(), target.close()]);
    await rm(directory, { recursive: true, force: true });
  });

  it("restores every type, key order, index and collection exactly as it was dumped", async () => {
    const things = from.db("app").collection("things");
    await things.insertOne(everyType(), { forceServerObjectId: true });
    await things.insertMany(Array.from({ length: 2_500 }, (_, n) => ({ n })));
    await things.createIndex(
      { n: 1, z: -1 },
      { unique: true, partialFilterExpression: { n: { $gt: new Double(1) } } },
    );
    await things.createIndex({ when: 1 }, { expireAfterSeconds: 60 });
    const empty = await from
      .db("app")
      .createCollection("empty", { collation: { locale: "en", strength: 2 } });
    await empty.createIndexes([{ key: { a: 1 } }, { key: { b: 1 }, collation: { locale: "simple" } }]);
    await from.db("other").collection("single").insertOne({ _id: new ObjectId() });
    const file = join(directory, "all.jsonl");
    await runMongoCommand(["dump", "--url", source.url, "--out", file]);
    await runMongoCommand(["restore", "--url", target.url, "--in", file]);
    const rawOf = async (client: MongoClient) => {
      const cursor = client.db("app").collection("things").find({}, { raw: true }).sort({ _id: 1 });
      return (await cursor.toArray()).map((bytes) => (bytes as unknown as Buffer).toString("hex"));
    };
    assert.deepEqual(await rawOf(to), await rawOf(from));
    const indexesOf = (client: MongoClient) => client.db("app").collection("things").indexes();
    assert.deepEqual(await indexesOf(to), await indexesOf(from));
    assert.deepEqual((await to.db("app").listCollections().toArray()).map(({ name }) => name).sort(), [
      "empty",
      "things",
    ]);
    assert.equal(await to.db("other").collection("single").countDocuments(), 1);

    const again = join(directory, "again.jsonl");
    await runMongoCommand(["dump", "--url", target.url, "--out", again]);
    assert.equal(await readFile(again, "utf8"), await readFile(file, "utf8"));
  });

  it("dumps one database and never restores into an existing collection", async () => {
    const file = join(directory, "one.jsonl");
    await runMongoCommand(["dump", "--url", source.url, "--db", "other", "--out", file]);
    assert.equal((await readFile(file, "utf8")).split("\n").length, 3);
    await assert.rejects(runMongoCommand(["restore", "--url", source.url, "--in", file]), {
      type: "RESTORE_TARGET_EXISTS",
    });
  });

  it("dumps the state of one instant during writes", async () => {
    const db = from.db("instant");
    const [first, second] = [db.collection<{ _id: number }>("a"), db.collection<{ _id: number }>("b")];
    await Promise.all([first, second].map((one) => one.insertOne({ _id: 1 })));
    const lines: string[] = [];
    for await (const line of dumpLines(from, "instant")) {
      lines.push(line);
      if (lines.length === 2) await Promise.all([first, second].map((one) => one.insertOne({ _id: 2 })));
    }
    assert.deepEqual(
      lines.filter((line) => !line.includes("$collection")),
      ['{"_id":{"$numberInt":"1"}}', '{"_id":{"$numberInt":"1"}}'],
    );
  });

  it("names the line of a dump that is invalid", async () => {
    const file = join(directory, "bad.jsonl");
    for (const [lines, line] of [
      ['{"$collection":{"db":"bad","name":"a","options":{},"indexes":[]}}\n{"_id":{"$oid":"zz"}}', 2],
      ['{"_id":1}', 1],
      ['{"a":', 1],
    ] as const) {
      await writeFile(file, lines);
      await assert.rejects(runMongoCommand(["restore", "--url", target.url, "--in", file]), {
        type: "RESTORE_LINE_MALFORMED",
        data: { line },
      });
      await to.db("bad").dropDatabase();
    }
  });

  it("rejects unknown words with the usage", async () => {
    for (const words of [
      ["--port", "1"],
      ["--dir", "x", "--sync", "never"],
      ["dump", "--url", "x"],
      ["dump", "--url", "x", "--out", "y", "z"],
      ["restore", "--file", "x"],
      ["--dir", "x", "--port", "-1"],
    ]) {
      await assert.rejects(runMongoCommand(words), { type: "USAGE" });
    }
  });

  it("serves a directory to several processes until it is stopped", async () => {
    const child: ChildProcess = spawn(
      process.execPath,
      [KINIT, "mongo", "--dir", join(directory, "data"), "--port", "0"],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    const exited = once(child, "exit");
    const [line] = await once(child.stdout!, "data");
    const url = /listening on (\S+)/.exec(String(line))![1]!;
    const clients = await Promise.all([1, 2].map(() => new MongoClient(url).connect()));
    await clients[0]!.db("app").collection<{ _id: number }>("shared").insertOne({ _id: 1 });
    assert.equal(await clients[1]!.db("app").collection("shared").countDocuments(), 1);
    await Promise.all(clients.map((client) => client.close()));
    child.kill("SIGTERM");
    assert.deepEqual(await exited, [0, null]);
  });

  it("announces the address that clients continue at, whatever it listens on", async (test) => {
    const port = await freePort();
    const child: ChildProcess = spawn(
      process.execPath,
      [
        ...[
          KINIT,
          "mongo",
          "--dir",
          join(directory, "announced"),
          "--host",
          "0.0.0.0",
          "--port",
          String(port),
        ],
        ...["--announce", `localhost:${port}`],
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const exited = once(child, "exit");
    test.after(async () => {
      child.kill("SIGTERM");
      await exited;
    });
    await once(child.stdout!, "data");
    const client = await new MongoClient(`mongodb://127.0.0.1:${port}/?replicaSet=rs0`).connect();
    test.after(() => client.close());
    const { hosts, me } = await client.db("admin").command({ hello: 1 });
    assert.deepEqual([hosts, me], [[`localhost:${port}`], `localhost:${port}`]);
    await assert.rejects(runMongoCommand(["--dir", "d", "--announce", "mongo"]), { type: "USAGE" });
  });
});
