import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { MongoClient } from "mongodb";
import { startEmbeddedMongo } from "../start-embedded-mongo.ts";
import { directoryForTests, realServerUrl } from "./mongo.fixture.ts";

const PROCESS = fileURLToPath(new URL("server.process.ts", import.meta.url));
const KILLS = 4;
/** The number of acknowledged writes before the process of a kill is killed. */
const ACKNOWLEDGED = [120, 20, 400, 80];

/** A failed test leaves its server running, which would keep this process alive. */
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

async function spawnServer(
  directory: string,
  sync: string,
): Promise<{ child: ChildProcess; firstLine: string }> {
  const child = spawn(process.execPath, [PROCESS, directory, sync], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const [line] = await once(child.stdout!, "data");
  return { child, firstLine: String(line).trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

interface Written {
  single: number[];
  pairs: number[];
}

/** Writes until the process dies; the written has the acknowledged writes. */
async function writeUntilKilled(
  url: string,
  kill: number,
  child: ChildProcess,
  written: Written,
): Promise<void> {
  const client = await new MongoClient(url, { serverSelectionTimeoutMS: 5000, retryWrites: false }).connect();
  const db = client.db("written");
  let isKilled = false;
  let acknowledged = 0;
  const note = (list: number[], id: number) => {
    list.push(id);
    acknowledged += 1;
    if (acknowledged < ACKNOWLEDGED[kill]! || isKilled) return;
    isKilled = true;
    child.kill("SIGKILL");
  };
  const singles = async (writer: number) => {
    for (let n = 0; ; n++) {
      const _id = kill * 1_000_000 + writer * 100_000 + n;
      await db.collection<{ _id: number }>("single").insertOne({ _id });
      note(written.single, _id);
    }
  };
  const pairs = async (writer: number) => {
    for (let n = 0; ; n++) {
      const _id = kill * 1_000_000 + writer * 100_000 + n;
      await client.withSession((session) =>
        session.withTransaction(async () => {
          await db.collection<{ _id: number }>("left").insertOne({ _id }, { session });
          await db.collection<{ _id: number }>("right").insertOne({ _id }, { session });
          await db
            .collection<{ _id: string }>("count")
            .updateOne({ _id: "pairs" }, { $inc: { n: 1 } }, { session, upsert: true });
        }),
      );
      note(written.pairs, _id);
    }
  };
  const ended = once(child, "exit");
  const writers = [singles(0), singles(1), singles(2), pairs(3), pairs(4)];
  await Promise.all(writers.map((writer) => assert.rejects(writer)));
  // On a busy machine the writers may have failed before, and nothing else would end the process.
  child.kill("SIGKILL");
  await ended;
  await client.close();
}

// The tests mostly wait for processes, so they run concurrently.
describe(
  "a server that is killed while it writes",
  { skip: realServerUrl !== undefined, concurrency: 3 },
  () => {
    for (const sync of ["full", "normal"]) {
      describe(`with sync ${sync}`, () => {
        const directory = directoryForTests();

        it("has every acknowledged write and no torn transaction after four rounds", async () => {
          const written: Written = { single: [], pairs: [] };
          for (let kill = 0; kill < KILLS; kill++) {
            const { child, firstLine } = await spawnServer(directory.path, sync);
            await writeUntilKilled(firstLine, kill, child, written);
            await requireWritten(directory.path, written);
          }
          assert.ok(written.single.length > 200 && written.pairs.length > 20);
        });
      });
    }

    describe("its directory", () => {
      const directory = directoryForTests();

      it("is refused to a second process, naming the first, and free again once that is dead", async () => {
        const { child, firstLine } = await spawnServer(directory.path, "full");
        assert.match(firstLine, /^mongodb:/);
        const second = await spawnServer(directory.path, "full");
        assert.match(second.firstLine, new RegExp(`in use by process ${child.pid} `));
        await assert.rejects(startEmbeddedMongo({ dir: directory.path }), { type: "MONGO_DIRECTORY_LOCKED" });
        await kill(child);
        const server = await startEmbeddedMongo({ dir: directory.path });
        await server.close();
      });
    });
  },
);

async function requireWritten(dir: string, { single, pairs }: Written): Promise<void> {
  const server = await startEmbeddedMongo({ dir });
  const client = await new MongoClient(server.url).connect();
  const db = client.db("written");
  const ids = async (name: string) =>
    new Set(
      await db
        .collection<{ _id: number }>(name)
        .find()
        .map(({ _id }) => _id)
        .toArray(),
    );
  const [stored, left, right] = [await ids("single"), await ids("left"), await ids("right")];
  assert.deepEqual(
    single.filter((id) => !stored.has(id)),
    [],
    "acknowledged writes are missing",
  );
  assert.deepEqual(
    pairs.filter((id) => !left.has(id)),
    [],
    "acknowledged transactions are missing",
  );
  assert.deepEqual([...left].sort(), [...right].sort(), "a transaction is torn");
  const count = await db.collection<{ _id: string; n: number }>("count").findOne({ _id: "pairs" });
  assert.equal(count?.n ?? 0, left.size, "a transaction is torn");
  await client.close();
  await server.close();
}
