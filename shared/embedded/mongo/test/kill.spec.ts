import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { MongoClient } from "mongodb";
import { startEmbeddedMongo } from "../start-embedded-mongo.ts";
import { directoryForTests, realServerUrl } from "./mongo.fixture.ts";

const PROCESS = fileURLToPath(new URL("server.process.ts", import.meta.url));
const ROUNDS = 4;
/** The number of acknowledged writes before the process of a round is killed. */
const ACKNOWLEDGED = [120, 20, 400, 80];

/** A failed test leaves its server running, which would keep this process alive. */
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

async function spawnServer(directory: string, sync: string): Promise<{ child: ChildProcess; says: string }> {
  const child = spawn(process.execPath, [PROCESS, directory, sync], { stdio: ["ignore", "pipe", "inherit"] });
  children.add(child);
  child.once("exit", () => children.delete(child));
  const [line] = await once(child.stdout!, "data");
  return { child, says: String(line).trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

interface Ledger {
  single: number[];
  pairs: number[];
}

/** Writes until the process dies; the ledger has the acknowledged writes. */
async function writeUntilKilled(
  url: string,
  round: number,
  child: ChildProcess,
  ledger: Ledger,
): Promise<void> {
  const client = await new MongoClient(url, { serverSelectionTimeoutMS: 5000, retryWrites: false }).connect();
  const db = client.db("ledger");
  let isKilled = false;
  let acknowledged = 0;
  const note = (list: number[], id: number) => {
    list.push(id);
    acknowledged += 1;
    if (acknowledged < ACKNOWLEDGED[round]! || isKilled) return;
    isKilled = true;
    child.kill("SIGKILL");
  };
  const singles = async (lane: number) => {
    for (let n = 0; ; n++) {
      const _id = round * 1_000_000 + lane * 100_000 + n;
      await db.collection<{ _id: number }>("single").insertOne({ _id });
      note(ledger.single, _id);
    }
  };
  const pairs = async (lane: number) => {
    for (let n = 0; ; n++) {
      const _id = round * 1_000_000 + lane * 100_000 + n;
      await client.withSession((session) =>
        session.withTransaction(async () => {
          await db.collection<{ _id: number }>("left").insertOne({ _id }, { session });
          await db.collection<{ _id: number }>("right").insertOne({ _id }, { session });
          await db
            .collection<{ _id: string }>("count")
            .updateOne({ _id: "pairs" }, { $inc: { n: 1 } }, { session, upsert: true });
        }),
      );
      note(ledger.pairs, _id);
    }
  };
  const ended = once(child, "exit");
  const lanes = [singles(0), singles(1), singles(2), pairs(3), pairs(4)];
  await Promise.all(lanes.map((lane) => assert.rejects(lane)));
  // On a busy machine the lanes may have failed before, and nothing else would end the process.
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
          const ledger: Ledger = { single: [], pairs: [] };
          for (let round = 0; round < ROUNDS; round++) {
            const { child, says } = await spawnServer(directory.path, sync);
            await writeUntilKilled(says, round, child, ledger);
            await requireLedger(directory.path, ledger);
          }
          assert.ok(ledger.single.length > 200 && ledger.pairs.length > 20);
        });
      });
    }

    describe("its directory", () => {
      const directory = directoryForTests();

      it("is refused to a second process, naming the first, and free again once that is dead", async () => {
        const { child, says } = await spawnServer(directory.path, "full");
        assert.match(says, /^mongodb:/);
        const second = await spawnServer(directory.path, "full");
        assert.match(second.says, new RegExp(`in use by process ${child.pid} `));
        await assert.rejects(startEmbeddedMongo({ dir: directory.path }), { type: "MONGO_DIRECTORY_LOCKED" });
        await kill(child);
        const server = await startEmbeddedMongo({ dir: directory.path });
        await server.close();
      });
    });
  },
);

async function requireLedger(dir: string, { single, pairs }: Ledger): Promise<void> {
  const server = await startEmbeddedMongo({ dir });
  const client = await new MongoClient(server.url).connect();
  const db = client.db("ledger");
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
