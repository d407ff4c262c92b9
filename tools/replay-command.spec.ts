import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { type Db, ObjectId } from "mongodb";
import { exampleRun } from "../services/records/record/run-events.fixture.ts";
import type { Config } from "../shared/config.ts";
import { type EventDocument, toEventDocument } from "../shared/event-store/event-document.ts";
import { endsAndHolds } from "../test/ends-and-holds.ts";
import { eventually } from "../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../test/mongo.ts";
import { type Platform, startPlatform } from "../test/platform.ts";
import { replayCommand } from "./replay-command.ts";

interface DueRun {
  readonly runId: string;
  readonly attempt: number;
  readonly plannedAt: string;
}

const { handlers, release } = endsAndHolds();

describe("replay", () => {
  let mongo: TestMongo;
  let config: Config;
  let db: Db;
  let taskId: string;
  let runId: string;
  let deletedId: string;
  before(async () => {
    mongo = await startTestMongo();
    const platform = await startPlatform({ mongo, handlers });
    ({ config, db } = platform);
    try {
      ({ taskId, runId, deletedId } = await live(platform));
    } finally {
      await platform.stop();
    }
  });
  after(() => mongo?.close());

  /** Creates tasks and runs with every kind of outcome, in about two seconds. */
  async function live({ call, create, recordsWhen }: Platform) {
    const ends = { name: "ends", handler: "test.ends", params: {} };
    const holds = { name: "holds", handler: "test.holds", params: {} };
    const [plain, busy, gone] = [await create(ends), await create(holds), await create(ends)];
    const once = await create({ ...ends, strategy: "once", expression: null });
    await recordsWhen(once, ([record]) => record?.status === "succeeded");
    await call("scheduler.pause", { taskId: gone });
    await call("scheduler.delete", { taskId: gone });
    // Cancelled, unless a busy machine began it before the pause.
    await recordsWhen(gone, ([record]) => Boolean(record?.endedAt));
    await recordsWhen(busy, (records) => records.some(({ status }) => status === "skipped"));
    await call("scheduler.pause", { taskId: busy });
    release();
    await recordsWhen(busy, ([record]) => record?.status === "succeeded");
    const [first] = await recordsWhen(plain, ([record]) => record?.status === "succeeded");
    await call("scheduler.pause", { taskId: plain });
    await recordsWhen(plain, (records) => records.every(({ endedAt, skip }) => endedAt ?? skip));
    await eventually(async () => (await db.collection("scheduler_task_list").countDocuments()) === 3);
    return { taskId: plain, runId: first?.id as string, deletedId: gone };
  }

  async function replay(check: boolean) {
    const lines: string[] = [];
    const isSame = await replayCommand(config, { check, print: (line) => void lines.push(line) });
    return { isSame, lines };
  }
  const tasks = () => db.collection("scheduler_task_list");
  const records = () => db.collection("scheduler_task_record");

  describe("--check", () => {
    const restored: (() => Promise<unknown>)[] = [];
    afterEach(() => Promise.all(restored.splice(0).map((restore) => restore())));
    beforeEach(async () => {
      const { isSame, lines } = await replay(true);
      assert.deepEqual([isSame, lines.length], [true, 1], lines.join("\n"));
      assert.match(lines[0] ?? "", /^No difference/);
    });

    async function differences(): Promise<readonly string[]> {
      const { isSame, lines } = await replay(true);
      assert.equal(isSame, false);
      return lines;
    }

    it("names the fields in which a record differs", async () => {
      const query = { _id: new ObjectId(runId) };
      const [record] = await records().find(query).toArray();
      restored.push(() => records().replaceOne(query, record ?? {}));
      await records().updateOne(query, { $set: { status: "failed", retval: '"other"' } });
      assert.deepEqual(await differences(), [
        `scheduler_task_record ${runId}: differs in retval, status`,
        "1 difference.",
      ]);
    });

    it("names the fields in which a task differs", async () => {
      const query = { _id: new ObjectId(taskId) };
      const [task] = await tasks().find(query).toArray();
      restored.push(() => tasks().replaceOne(query, task ?? {}));
      await tasks().updateOne(query, { $set: { name: "other", is_active: true } });
      assert.deepEqual(await differences(), [
        `scheduler_task_list ${taskId}: differs in name, is_active`,
        "1 difference.",
      ]);
    });

    it("names what is missing", async () => {
      const query = { _id: new ObjectId(runId) };
      const [record] = await records().find(query).toArray();
      restored.push(() => records().insertOne(record ?? {}));
      await records().deleteOne(query);
      assert.deepEqual(await differences(), [
        `scheduler_task_record ${runId}: the document that the events lead to is missing`,
        "1 difference.",
      ]);
    });

    it("counts runs separately that were dispatched just before the newest event and are not recorded yet", async () => {
      const events = db.collection<EventDocument>("events");
      const order = async (at: number) => {
        const event = toEventDocument(exampleRun({ at }).due(), 1, "scheduler-x");
        await events.insertOne(event);
        restored.push(() => events.deleteOne({ _id: event._id }));
      };
      const later = Date.now() + 60_000;
      await order(later);
      const { isSame, lines } = await replay(true);
      assert.equal(isSame, true, lines.join("\n"));
      assert.match(lines.join("\n"), /^1 runs, skips or ends of runs are not recorded yet/);
      await order(later + 20_000);
      assert.match((await differences())[0] ?? "", /the document that the events lead to is missing/);
    });

    it("names documents without events, including deleted tasks", async () => {
      const [task] = await tasks().find({}).toArray();
      const ids = [deletedId, String(new ObjectId())].sort();
      const documents = ids.map((id) => ({ ...task, _id: new ObjectId(id) }));
      restored.push(() => tasks().deleteMany({ _id: { $in: documents.map(({ _id }) => _id) } }));
      await tasks().insertMany(documents);
      assert.deepEqual([...(await differences())].sort(), [
        "2 differences.",
        ...ids.map((id) => `scheduler_task_list ${id}: the document has no events`),
      ]);
    });

    it("counts a task separately that still lists a run that ended just before the newest event", async () => {
      const [task] = await tasks().find({ exec_strategy: "once" }).toArray();
      const query = { _id: task?._id as ObjectId };
      restored.push(() => tasks().replaceOne(query, task ?? {}));
      const events = db.collection<EventDocument>("events");
      const due = await events.findOne({ type: "task.due", stream: `task-${query._id}` });
      const { runId: run_id, attempt, plannedAt } = due?.data as DueRun;
      const running = [{ run_id, attempt, planned_datetime: new Date(plannedAt), is_revoked: false }];
      await tasks().updateOne(query, { $set: { running } });
      const { isSame, lines } = await replay(true);
      assert.equal(isSame, true, lines.join("\n"));
      assert.match(lines.join("\n"), /^1 runs, skips or ends of runs are not recorded yet/);
      const later = toEventDocument(exampleRun({ at: Date.now() + 60_000 }).due(), 1, "scheduler-x");
      await events.insertOne(later);
      restored.push(() => events.deleteOne({ _id: later._id }));
      assert.ok((await differences()).includes(`scheduler_task_list ${query._id}: differs in running`));
    });

    it("counts a task separately that has removed a run whose end is not recorded yet", async () => {
      const task = await tasks().findOne({ exec_strategy: "once" });
      const events = db.collection<EventDocument>("events");
      const due = await events.findOne({ type: "task.due", stream: `task-${task?._id}` });
      const { runId: run_id } = due?.data as DueRun;
      const ofRun = { stream: `run-${run_id}` };
      const [ended, record] = await Promise.all([
        events.find(ofRun).toArray(),
        records().findOne({ _id: new ObjectId(run_id) }),
      ]);
      assert.ok(ended.length > 0 && record);
      restored.push(
        () => events.insertMany(ended),
        () => records().insertOne(record),
      );
      await Promise.all([events.deleteMany(ofRun), records().deleteOne({ _id: record._id })]);
      const { isSame, lines } = await replay(true);
      assert.equal(isSame, true, lines.join("\n"));
      assert.match(lines.join("\n"), /^2 runs, skips or ends of runs are not recorded yet/);
      const later = toEventDocument(exampleRun({ at: Date.now() + 60_000 }).due(), 1, "scheduler-x");
      await events.insertOne(later);
      restored.push(() => events.deleteOne({ _id: later._id }));
      assert.ok((await differences()).includes(`scheduler_task_list ${task?._id}: differs in running`));
    });

    it("ignores documents of the Python original, which have no events", async () => {
      const { insertedId } = await records().insertOne({ task_id: taskId, start_datetime: new Date() });
      restored.push(() => records().deleteOne({ _id: insertedId }));
      assert.equal((await replay(true)).isSame, true);
    });
  });

  it("rebuilds the read models next to the current ones", async () => {
    await db.collection("scheduler_task_list_replayed").insertOne({ left: "by an earlier replay" });
    const { isSame, lines } = await replay(false);
    assert.equal(isSame, true);
    for (const [name, ignored] of [
      ["scheduler_task_list", {}],
      ["scheduler_task_record", { open_until: 0 }],
    ] as const) {
      const standing = await db
        .collection(name)
        .find({}, { sort: { _id: 1 }, projection: ignored })
        .toArray();
      const made = await db
        .collection(`${name}_replayed`)
        .find({}, { sort: { _id: 1 }, projection: ignored })
        .toArray();
      assert.deepEqual(made, standing);
      assert.ok(lines.includes(`${name}_replayed: ${made.length} documents`), lines.join("\n"));
    }
  });
});
