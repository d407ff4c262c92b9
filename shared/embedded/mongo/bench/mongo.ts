import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AnyBulkWriteOperation,
  type Collection,
  type Db,
  type Document,
  MongoClient,
  ObjectId,
} from "mongodb";
import { print } from "./distribution.ts";
import { MeasuredServer } from "./measured-server.ts";

const HELD_DOCUMENTS = 200_000;
/** With its other fields a document of about 400 bytes. */
const PADDING = "x".repeat(215);

interface Figure {
  readonly name: string;
  readonly goal?: string;
  readonly values: string[];
}

const task = (n: number): Document => ({
  _id: new ObjectId(),
  name: `task number ${n}`,
  group: `group-${n % 50}`,
  next_run_at: new Date(1_700_000_000_000 + ((n * 7919) % 1_000_000)),
  enabled: true,
  params: { url: "http://localhost/path", attempt: n },
  padding: PADDING,
});

/** The table of the embedded MongoDB server: the same work in memory, and stored with `normal` and `full` sync. */
export async function runMongoBench(): Promise<void> {
  const figures = new Map<string, Figure>();
  const note = (name: string, value: string, goal?: string) => {
    const figure = figures.get(name) ?? { name, goal, values: [] };
    figure.values.push(value);
    figures.set(name, figure);
  };
  for (const mode of ["memory", "normal", "full"] as const) {
    const directory = mode === "memory" ? "memory" : await mkdtemp(join(tmpdir(), "kinit-bench-"));
    try {
      await measure(mode, directory, note);
    } finally {
      if (mode !== "memory") await rm(directory, { recursive: true, force: true });
    }
  }
  print(`${"".padEnd(46)}${["memory", "normal", "full", "goal"].map((head) => head.padStart(13)).join("")}`);
  for (const { name, goal = "", values } of figures.values()) {
    print(`${name.padEnd(46)}${[...values, goal].map((value) => value.padStart(13)).join("")}`);
  }
}

type Note = (name: string, value: string, goal?: string) => void;

async function measure(mode: "memory" | "normal" | "full", directory: string, note: Note): Promise<void> {
  const sync = mode === "normal" ? "normal" : "full";
  const began = performance.now();
  const server = await MeasuredServer.start(directory, sync);
  const client = await new MongoClient(server.url, { maxPoolSize: 32 }).connect();
  const db = client.db("bench");
  await db.collection("first").insertOne({ first: true });
  note("process start to first insert", `${(performance.now() - began).toFixed(0)} ms`);
  for (const round of ["warm", "measured"]) await measureWork(db, client, round === "warm" ? () => {} : note);
  await db.dropDatabase();
  await client.close();
  await server.stop();
  await measureHeld(await MeasuredServer.start(directory, sync), note);
  if (mode === "memory") {
    note(`start with ${HELD_DOCUMENTS} documents`, "-");
    return;
  }
  const again = await MeasuredServer.start(directory, sync);
  note(`start with ${HELD_DOCUMENTS} documents`, `${(again.startMs / 1000).toFixed(2)} s`, "seconds");
  await again.stop();
}

async function measureWork(db: Db, client: MongoClient, note: Note): Promise<void> {
  const tasks = db.collection(`tasks-${Math.random()}`);
  await tasks.createIndexes([{ key: { next_run_at: 1 } }, { key: { group: 1, name: 1 } }]);
  const rate = async (name: string, operations: number, work: () => Promise<unknown>, goal?: string) => {
    const began = performance.now();
    await work();
    note(name, `${Math.round((operations / (performance.now() - began)) * 1000)} /s`, goal);
  };
  const inParallel = (count: number, operations: number, work: (n: number) => Promise<unknown>) => {
    let next = 0;
    const worker = async () => {
      while (next < operations) await work(next++);
    };
    return Promise.all(Array.from({ length: count }, worker));
  };
  await rate("insertOne, one by one", 1_000, () => inParallel(1, 1_000, (n) => tasks.insertOne(task(n))));
  await rate(
    "insertOne, 32 in parallel",
    10_000,
    () => inParallel(32, 10_000, (n) => tasks.insertOne(task(n))),
    "5,000 /s",
  );
  const batch = () => tasks.insertMany(Array.from({ length: 1_000 }, (_, n) => task(n)));
  await rate("insertMany of 1,000, documents", 20_000, () => inParallel(1, 20, batch));
  const ids = (
    await tasks
      .find({}, { projection: { _id: 1 } })
      .limit(2_000)
      .toArray()
  ).map(({ _id }) => _id);
  await rate("findOne by _id, one by one", 2_000, () =>
    inParallel(1, 2_000, (n) => tasks.findOne({ _id: ids[n] })),
  );
  const takeJob = (n: number) =>
    tasks.findOneAndUpdate(
      { next_run_at: { $lte: new Date(1_700_001_000_000) } },
      { $set: { next_run_at: new Date(1_800_000_000_000 + n) } },
      { sort: { next_run_at: 1 } },
    );
  await rate("takeJob by index, one by one", 500, () => inParallel(1, 500, takeJob));
  await rate("takeJob by index, 32 in parallel", 5_000, () => inParallel(32, 5_000, takeJob), "3,000 /s");
  const three = (n: number) =>
    client.withSession((session) =>
      session.withTransaction(async () => {
        await tasks.insertOne(task(n), { session });
        await tasks.updateOne({ _id: ids[n * 2] }, { $set: { enabled: false } }, { session });
        await tasks.updateOne({ _id: ids[n * 2 + 1] }, { $set: { enabled: false } }, { session });
      }),
    );
  await rate("transaction of 3 writes, one by one", 300, () => inParallel(1, 300, three));
  await rate("transaction of 3 writes, 16 in parallel", 900, () => inParallel(16, 900, three));
  await measureBulk(tasks, ids, note);
}

/** 500 mixed writes: half updates, a quarter inserts, a quarter deletes of what was inserted. */
async function measureBulk(tasks: Collection, ids: readonly ObjectId[], note: Note): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < 20; round++) {
    const fresh = Array.from({ length: 125 }, (_, n) => task(n));
    const operations: AnyBulkWriteOperation[] = [
      ...fresh.map((document) => ({ insertOne: { document } })),
      ...ids
        .slice(round * 50, round * 50 + 250)
        .map((_id) => ({ updateOne: { filter: { _id }, update: { $set: { round }, $inc: { runs: 1 } } } })),
      ...fresh.map(({ _id }) => ({ deleteOne: { filter: { _id } } })),
    ];
    const began = performance.now();
    await tasks.bulkWrite(operations, { ordered: false });
    times.push(performance.now() - began);
  }
  note("bulk of 500 mixed writes, median", `${times.sort((a, b) => a - b)[10]!.toFixed(1)} ms`, "10 ms");
}

/** Uses its own server: memory freed by earlier work would distort the figure. */
async function measureHeld(server: MeasuredServer, note: Note): Promise<void> {
  const client = await new MongoClient(server.url).connect();
  const held = client.db("held").collection("tasks");
  await held.createIndexes([{ key: { next_run_at: 1 } }, { key: { group: 1, name: 1 } }]);
  await held.insertMany(Array.from({ length: 5_000 }, (_, n) => task(n)));
  await held.deleteMany({});
  const before = await server.memory();
  for (let from = 0; from < HELD_DOCUMENTS; from += 1_000) {
    await held.insertMany(Array.from({ length: 1_000 }, (_, n) => task(from + n)));
  }
  const bytes = ((await server.memory()) - before) / HELD_DOCUMENTS;
  note(`memory per document, 2 indexes, ${HELD_DOCUMENTS}`, `${bytes.toFixed(0)} B`, "1,500 B");
  const scan = async (name: string, work: () => Promise<unknown>) => {
    await server.longestBlock();
    const began = performance.now();
    await work();
    const took = performance.now() - began;
    note(name, `${took.toFixed(0)} ms`);
    note(`${name}: longest block`, `${(await server.longestBlock()).toFixed(0)} ms`, "50 ms");
  };
  await scan("scan without index", () => held.countDocuments({ "params.attempt": { $lt: 0 } }));
  await scan("$group by a field", () =>
    held.aggregate([{ $group: { _id: "$group", n: { $sum: 1 }, last: { $max: "$next_run_at" } } }]).toArray(),
  );
  await scan("sort without index, first 20", () =>
    held.find().sort({ "params.attempt": -1 }).limit(20).toArray(),
  );
  await client.close();
  await server.stop();
}
