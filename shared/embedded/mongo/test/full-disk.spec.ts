import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, rmdir, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import {
  type EmbeddedMongo,
  type EmbeddedMongoOptions,
  startEmbeddedMongo,
} from "../start-embedded-mongo.ts";
import { eventually } from "./eventually.ts";
import { realServerUrl } from "./mongo.fixture.ts";

const MIB = 1024 * 1024;
const canMount = process.platform === "linux" && process.getuid?.() === 0;

interface Item {
  readonly _id: number;
  readonly bytes?: Buffer;
}

describe("a small disk", { skip: realServerUrl !== undefined || !canMount }, () => {
  let disk = "";
  const logged: string[] = [];
  let server: EmbeddedMongo;
  let client: MongoClient;
  let items: Collection<Item>;
  const dir = () => join(disk, "data");
  const ballast = () => join(disk, "ballast");
  before(async () => {
    disk = await mkdtemp(join(tmpdir(), "kinit-disk-"));
    assert.equal(spawnSync("mount", ["-t", "tmpfs", "-o", "size=48m", "tmpfs", disk]).status, 0);
  });
  after(async () => {
    spawnSync("umount", ["--lazy", disk]);
    await rmdir(disk);
  });

  const start = async (options: Partial<EmbeddedMongoOptions> = {}) => {
    const log = (message: string) => logged.push(message);
    server = await startEmbeddedMongo({ dir: dir(), log, ...options } as EmbeddedMongoOptions);
    client = await new MongoClient(server.url).connect();
    items = client.db("app").collection<Item>("items");
  };
  const stop = async () => {
    await client.close();
    await server.close();
  };
  /** Fills the disk up to this many free bytes. */
  const leave = async (bytes: number) => {
    await rm(ballast(), { force: true });
    const { bavail, bsize } = await statfs(disk);
    await writeFile(ballast(), Buffer.alloc(Math.max(0, bavail * bsize - bytes))).catch(() => {});
  };
  const files = async (pattern: RegExp) => (await readdir(dir())).filter((name) => pattern.test(name));

  it("loses no space to a compaction that does not fit, and is compacted once there is space", async () => {
    await start({ compactAtBytes: 6 * MIB });
    await leave(20 * MIB);
    for (let _id = 0; _id < 11; _id++) await items.insertOne({ _id, bytes: randomBytes(MIB) });
    await eventually(() => logged.some((message) => /cannot be compacted/.test(message)));
    assert.match(
      logged[0]!,
      /^the log in .*data cannot be compacted \(it needs \d+ MiB of free space, but only \d MiB/,
    );
    assert.deepEqual(await files(/unfinished|snapshot/), []);
    await items.insertOne({ _id: 11 });

    await rm(ballast());
    await eventually(async () => (await files(/^snapshot-\d+$/)).length === 1);
    await stop();
    await start();
    assert.equal(await items.countDocuments(), 12);
  });

  it("that is full lets the server read, also from a new start, and write as soon as there is space", async () => {
    logged.length = 0;
    await leave(0);
    const big = { bytes: randomBytes(3 * MIB) };
    await assert.rejects(items.insertOne({ _id: 100, ...big }), {
      code: 14031,
      message: /the data directory \/.*data cannot be written \(ENOSPC.*free at least 8 MiB on its disk/,
    });
    assert.equal(await items.countDocuments(), 12);
    await stop();

    await start();
    assert.equal(await items.countDocuments(), 12);
    await assert.rejects(items.insertOne({ _id: 101, ...big }), { code: 14031 });
    assert.equal(await items.countDocuments(), 12);
    assert.ok(
      logged.every((message) => message.includes(dir())),
      logged.join("\n"),
    );
    await rm(ballast());
    await eventually(() => items.insertOne({ _id: 102, ...big }).then(Boolean, () => false));
    await stop();
    await start();
    assert.equal(await items.countDocuments(), 13);
    await stop();
  });
});
