import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Collection, MongoClient } from "mongodb";
import { startEmbeddedMongo } from "../start-embedded-mongo.ts";
import { fillableDisk, unreliableDisk } from "./disks.fixture.ts";
import { eventually } from "./eventually.ts";
import { directoryForTests, realServerUrl } from "./mongo.fixture.ts";

interface Item {
  readonly _id: number;
  readonly n?: number;
}

const REFUSED = { code: 14031, message: /the data directory \/.* cannot be written \((ENOSPC|EIO)/ };

const isRefused = (error: unknown): boolean => (error as { code?: number }).code === REFUSED.code;

async function stored(dir: string, work: (items: Collection<Item>) => Promise<void>): Promise<void> {
  const server = await startEmbeddedMongo({ dir });
  const client = await new MongoClient(server.url).connect();
  await work(client.db("app").collection<Item>("items"));
  await client.close();
  await server.close();
}

describe("a disk that rejects writes", { skip: realServerUrl !== undefined }, () => {
  for (const [name, diskOf, goesOn] of [
    ["is full", fillableDisk, true],
    ["fails to flush", unreliableDisk, false],
  ] as const) {
    describe(`because it ${name}`, () => {
      const directory = directoryForTests();

      it("acknowledges and shows nothing, names the cause, and still serves reads", async () => {
        const disk = diskOf();
        const logged: string[] = [];
        const log = (message: string) => logged.push(message);
        const server = await startEmbeddedMongo({ dir: directory.path, disk, log });
        const client = await new MongoClient(server.url).connect();
        const items = client.db("app").collection<Item>("items");
        await items.insertMany([{ _id: 1 }, { _id: 2 }]);

        disk.isFull = true;
        const attempts = Array.from({ length: 8 }, (_, n) => items.insertOne({ _id: 100 + n }));
        attempts.push(items.deleteOne({ _id: 2 }) as never, items.createIndex({ n: 1 }) as never);
        await Promise.all(attempts.map((attempt) => assert.rejects(attempt, REFUSED)));
        await assert.rejects(
          client.withSession((session) =>
            session.withTransaction(() => items.updateOne({ _id: 1 }, { $set: { n: 1 } }, { session })),
          ),
          REFUSED,
        );
        assert.equal(logged.length, 1);
        assert.match(
          logged[0]!,
          goesOn ? /free at least 8 MiB on its disk/ : /until the server is restarted/,
        );
        assert.deepEqual(await items.find().toArray(), [{ _id: 1 }, { _id: 2 }]);
        assert.equal((await items.indexes()).length, 1);

        disk.isFull = false;
        if (goesOn) await eventually(() => items.insertOne({ _id: 200 }).then(Boolean, () => false));
        else await assert.rejects(items.insertOne({ _id: 200 }), REFUSED, "it does not go on behind a gap");
        await client.close();
        await server.close();

        await stored(directory.path, async (again) => {
          const found = await again
            .find({ _id: { $nin: [100, 101, 102, 103, 104, 105, 106, 107] } })
            .toArray();
          assert.deepEqual(
            found.map(({ _id }) => _id),
            goesOn ? [1, 2, 200] : [1, 2],
          );
          if (goesOn) assert.equal(await again.countDocuments(), 3);
          await again.insertOne({ _id: 300 });
        });
      });
    });
  }

  describe("because it is full again and again", () => {
    const directory = directoryForTests();

    it("keeps exactly what was acknowledged", async () => {
      const disk = fillableDisk();
      const server = await startEmbeddedMongo({ dir: directory.path, disk });
      const client = await new MongoClient(server.url, { retryWrites: true }).connect();
      const items = client.db("app").collection<Item>("items");
      await items.createIndex({ n: 1 });
      await items.createIndex({ u: 1 }, { unique: true, sparse: true });
      await items.insertOne({ _id: 0, n: 0 });
      let increments = 0;
      /** The documents of each writer whose writes were acknowledged. */
      const model = new Map<number, number>();
      let isOver = false;
      let refusals = 0;
      const writer = async (number: number) => {
        for (let step = 0; !isOver; step++) {
          const _id = 1000 * number + (step % 7);
          const n = step;
          try {
            if (!model.has(_id)) {
              await items.insertOne({ _id, n, u: _id } as Item);
              model.set(_id, n);
            } else if (step % 3 === 0) {
              await items.deleteOne({ _id });
              model.delete(_id);
            } else {
              await items.updateOne({ _id }, { $set: { n } });
              model.set(_id, n);
            }
            await items.updateOne({ _id: 0 }, { $inc: { n: 1 } });
            increments += 1;
          } catch (error) {
            assert.ok(isRefused(error), String(error));
            refusals += 1;
            await eventually(() => !disk.isFull || isOver);
          }
        }
      };
      const requireModel = async (found: Collection<Item>) => {
        const expected = [...model].map(([_id, n]) => `${_id} ${n}`).sort();
        for (const hint of [{ _id: 1 }, { n: 1 }] as const) {
          const documents = await found.find({ _id: { $gt: 0 } }, { hint }).toArray();
          assert.deepEqual(documents.map(({ _id, n }) => `${_id} ${n}`).sort(), expected);
        }
        assert.equal(await found.countDocuments({ u: { $gt: 0 } } as never, { hint: { u: 1 } }), model.size);
        assert.equal((await found.findOne({ _id: 0 }))?.n, increments);
      };
      for (let round = 0; round < 4; round++) {
        isOver = false;
        const writers = [1, 2, 3, 4, 5, 6].map(writer);
        const before = increments;
        await eventually(() => increments > before + 40);
        disk.isFull = true;
        await eventually(() => refusals > round * 6 + 5);
        isOver = true;
        await Promise.all(writers);
        await requireModel(items);
        disk.isFull = false;
        await eventually(() => items.updateOne({ _id: 0 }, { $inc: { n: 1 } }).then(Boolean, () => false));
        increments += 1;
      }
      await requireModel(items);
      await client.close();
      await server.close();
      await stored(directory.path, requireModel);
    });
  });
});
