import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MongoClient } from "mongodb";
import { startEmbeddedMongo } from "../../shared/embedded/mongo/start-embedded-mongo.ts";
import { type Disk, realDisk } from "../../shared/embedded/mongo/store/disk.ts";
import { directoryForTests, realServerUrl } from "./mongo.fixture.ts";

/** A disk that is full from a moment on: it takes half of what it is given, as a real one does, and then refuses. */
function fillableDisk(): Disk & { isFull: boolean } {
  const disk = {
    ...realDisk,
    isFull: false,
    write: async (file: number, buffers: readonly Uint8Array[], position: number) => {
      if (!disk.isFull) return realDisk.write(file, buffers, position);
      const all = Buffer.concat(buffers);
      await realDisk.write(file, [all.subarray(0, all.length >> 1)], position);
      throw new Error("ENOSPC: no space left on device, write");
    },
  };
  return disk;
}

/** A disk whose flush fails: what it has taken may be lost. */
function unreliableDisk(): Disk & { isFull: boolean } {
  const disk = {
    ...realDisk,
    isFull: false,
    flush: async (file: number) => {
      if (disk.isFull) throw new Error("EIO: i/o error, fdatasync");
      await realDisk.flush(file);
    },
  };
  return disk;
}

describe("a disk that refuses writes", { skip: realServerUrl !== undefined }, () => {
  for (const [name, diskOf] of [
    ["is full", fillableDisk],
    ["fails to flush", unreliableDisk],
  ] as const) {
    describe(`because it ${name}`, () => {
      const directory = directoryForTests();

      it("lets nothing be acknowledged, says why, and leaves reading possible", async () => {
        const disk = diskOf();
        const said: string[] = [];
        const server = await startEmbeddedMongo({
          dir: directory.path,
          disk,
          log: (message) => said.push(message),
        });
        const client = await new MongoClient(server.url).connect();
        const items = client.db("app").collection<{ _id: number }>("items");
        await items.insertMany([{ _id: 1 }, { _id: 2 }]);

        disk.isFull = true;
        const refused = { code: 14031, message: /data directory has refused a write \((ENOSPC|EIO)/ };
        const attempts = Array.from({ length: 8 }, (_, n) => items.insertOne({ _id: 100 + n }));
        await Promise.all(attempts.map((attempt) => assert.rejects(attempt, refused)));
        await assert.rejects(
          client.withSession((session) =>
            session.withTransaction(() => items.updateOne({ _id: 1 }, { $set: { n: 1 } }, { session })),
          ),
          refused,
        );
        assert.equal(said.length, 1);
        assert.equal((await items.findOne({ _id: 1 }))?._id, 1);

        disk.isFull = false;
        await assert.rejects(items.insertOne({ _id: 200 }), refused, "it does not go on behind a gap");
        await client.close();
        await server.close();

        const again = await startEmbeddedMongo({ dir: directory.path });
        const reader = await new MongoClient(again.url).connect();
        const stored = await reader
          .db("app")
          .collection<{ _id: number }>("items")
          .find({ _id: { $lt: 100 } })
          .toArray();
        assert.deepEqual(stored, [{ _id: 1 }, { _id: 2 }]);
        await reader.db("app").collection<{ _id: number }>("items").insertOne({ _id: 300 });
        await reader.close();
        await again.close();
      });
    });
  }
});
