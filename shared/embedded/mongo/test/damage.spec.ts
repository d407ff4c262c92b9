import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { MongoClient } from "mongodb";
import {
  type EmbeddedMongo,
  type EmbeddedMongoOptions,
  startEmbeddedMongo,
} from "../start-embedded-mongo.ts";
import { directoryForTests, realServerUrl } from "./mongo.fixture.ts";

interface Item {
  readonly _id: number;
}

/** A log of format 1, as version 0.1.0 wrote it: three documents and an index. */
const LOG_OF_0_1_0 =
  "S0lOSVQtTU9OR08tTE9HIDEKaAAAAIcqrdQDZwAAAAJvcAAHAAAAY3JlYXRlABBpZAABAAAAAmRhdGFiYXNlAAQAAABhcHAAAm5h" +
  "bWUABgAAAGl0ZW1zAAV1dWlkABAAAAAEDX81FC6+QjGz7W33Vn667ANvcHRpb25zAAUAAAAAAFMAAADnY/3ZA1IAAAACb3AABgAA" +
  "AGluZGV4ABBpZAABAAAAA2RlZmluaXRpb24AKwAAABB2AAIAAAADa2V5AAwAAAAQbgABAAAAAAJuYW1lAAQAAABuXzEAAAAgAAAA" +
  "HyXLogEBAAAAAQAAAAAAFQAAABBfaWQAAQAAABBuAAoAAAAAIAAAAM/zEbkBAQAAAAIAAAAAABUAAAAQX2lkAAIAAAAQbgAUAAAA" +
  "ACAAAABAvIgGAQEAAAADAAAAAAAVAAAAEF9pZAADAAAAEG4AHgAAAAA=";

describe("damage to the log of an embedded server", { skip: realServerUrl !== undefined }, () => {
  const parent = directoryForTests();
  let run = 0;
  let server: EmbeddedMongo | null = null;
  let client: MongoClient | null = null;
  const dir = () => join(parent.path, String(run));
  const log = (generation = 0) => join(dir(), `log-0000000${generation}`);

  const start = async (options: Partial<EmbeddedMongoOptions> = {}) => {
    server = await startEmbeddedMongo({ dir: dir(), ...options } as EmbeddedMongoOptions);
    client = await new MongoClient(server.url).connect();
    return client.db("app").collection<Item>("items");
  };
  const stop = async () => {
    await client?.close();
    await server?.close();
    client = null;
    server = null;
  };
  const ids = async (options: Partial<EmbeddedMongoOptions> = {}) => {
    const items = await start(options);
    const found = await items.find().sort({ _id: 1 }).toArray();
    return found.map(({ _id }) => _id);
  };
  const flip = async (path: string, at: number) => {
    const bytes = await readFile(path);
    bytes[at]! ^= 4;
    await writeFile(path, bytes);
  };
  const insertOneByOne = async (from: number, to: number) => {
    const items = await start();
    for (let _id = from; _id <= to; _id++) await items.insertOne({ _id });
    await stop();
  };
  afterEach(async () => {
    await stop();
    run += 1;
  });

  it("stops the start, naming file and byte, wherever one bit is changed, and changes nothing", async () => {
    await insertOneByOne(1, 15);
    const whole = await readFile(log());
    // Up to the end mark, which is last in the file.
    for (let at = 0; at < whole.length - 22; at += 41) {
      await writeFile(log(), whole);
      await flip(log(), at);
      const damaged = await readFile(log());
      await assert.rejects(startEmbeddedMongo({ dir: dir() }), ({ type, data }: never) => {
        const { path, offset } = data as { path: string; offset: number };
        assert.deepEqual([type, path], ["MONGO_LOG_DAMAGED", log()]);
        assert.ok(offset <= at, `found at ${offset}, was made at ${at}`);
        return true;
      });
      assert.ok(damaged.equals(await readFile(log())));
    }
    await writeFile(log(), whole);
    assert.equal((await ids()).length, 15);
  });

  it("stops the start after a kill too, if later writes prove that the damaged ones were complete", async () => {
    const items = await start();
    for (let _id = 1; _id <= 20; _id++) await items.insertOne({ _id });
    // The state after a kill: with reserved space at the end.
    const killed = Buffer.concat([await readFile(log()), Buffer.alloc(100_000)]);
    await stop();
    await writeFile(log(), killed);
    await flip(log(), 600);
    await assert.rejects(startEmbeddedMongo({ dir: dir() }), { type: "MONGO_LOG_DAMAGED" });
  });

  it("is distinguished from an interrupted write, which is left in place and ignored", async () => {
    await insertOneByOne(1, 3);
    const cut = Buffer.from("cut short");
    await appendFile(log(), cut);
    const before = await readFile(log());
    const logged: string[] = [];
    assert.deepEqual(await ids({ log: (message) => logged.push(message) }), [1, 2, 3]);
    assert.match(logged[0]!, /log-00000000 ends at byte \d+ with 9 bytes of an interrupted write/);
    await client!.db("app").collection<Item>("items").insertOne({ _id: 4 });
    await stop();
    assert.ok(before.equals(await readFile(log())));
    assert.deepEqual(await ids(), [1, 2, 3, 4]);
    await stop();
    // The bytes after the end that the second log states are ignored.
    await appendFile(log(), before);
    assert.deepEqual(await ids(), [1, 2, 3, 4]);
  });

  it("stops the start if a log is shorter than its successor states", async () => {
    await insertOneByOne(1, 3);
    await appendFile(log(), "cut short");
    await insertOneByOne(4, 6);
    const whole = await readFile(log());
    await writeFile(log(), whole.subarray(0, 200));
    await assert.rejects(startEmbeddedMongo({ dir: dir() }), {
      type: "MONGO_LOG_DAMAGED",
      message: /log-00000000 is damaged at byte/,
    });
    await rm(log());
    await assert.rejects(startEmbeddedMongo({ dir: dir() }), {
      type: "MONGO_LOG_DAMAGED",
      message: /log-00000000 is missing/,
    });
  });

  it("does not include a log that was created and never begun", async () => {
    await insertOneByOne(1, 3);
    for (const content of [Buffer.alloc(0), Buffer.alloc(10, 7), Buffer.alloc(4_096)]) {
      await writeFile(log(1), content);
      assert.deepEqual(await ids(), [1, 2, 3]);
      await stop();
    }
    await insertOneByOne(4, 4);
    assert.deepEqual((await readdir(dir())).sort(), ["log-00000000", "log-00000001"]);
    await writeFile(log(1), Buffer.alloc(100, 7));
    await assert.rejects(startEmbeddedMongo({ dir: dir() }), { type: "MONGO_LOG_DAMAGED" });
  });

  it("reads a log of version 0.1.0 and continues in a new one", async () => {
    const old = Buffer.from(LOG_OF_0_1_0, "base64");
    await mkdir(dir());
    await writeFile(log(), old);
    const items = await start();
    assert.equal(await items.countDocuments({ n: { $gte: 10 } } as never), 3);
    await items.insertOne({ _id: 4 });
    await stop();
    assert.ok(old.equals(await readFile(log())));
    assert.deepEqual(await ids(), [1, 2, 3, 4]);
  });
});
