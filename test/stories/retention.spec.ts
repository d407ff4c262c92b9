import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Db, ObjectId } from "mongodb";
import { recordReadModel } from "../../services/records/record/mongo-replay-records.ts";
import type { RecordDocument } from "../../services/records/record/record-document.ts";
import { mongoRunHistory } from "../../services/records/retention/mongo-run-history.ts";
import { createRetention, type RetentionOptions } from "../../services/records/retention/retention.ts";
import { taskReadModel } from "../../services/scheduler/store/mongo-replay-tasks.ts";
import { systemClock } from "../../shared/clock.ts";
import type { EventDocument } from "../../shared/event-store/event-document.ts";
import { type OpenEventStore, openEventStore } from "../../shared/event-store/open-event-store.ts";
import { compare } from "../../shared/event-store/replay.ts";
import { objectId } from "../../shared/ids.ts";
import { endsAndHolds } from "../ends-and-holds.ts";
import { eventually } from "../eventually.ts";
import { startTestMongo, type TestMongo } from "../mongo.ts";
import { type Platform, startPlatform } from "../platform.ts";
import { silentLog } from "../silent-log.ts";

const DAY_MS = 86_400_000;
const { handlers } = endsAndHolds();

describe("retention", () => {
  let mongo: TestMongo;
  let lived: Platform;
  let events: OpenEventStore;
  let db: Db;
  let tasks: { often: string; skipping: string; once: string; gone: string };
  before(async () => {
    mongo = await startTestMongo();
    lived = await startPlatform({ mongo, handlers, settings: { DRAIN_MS: "0" } });
    tasks = await live(lived);
    await lived.stop();
    events = await openEventStore({
      config: lived.config,
      service: "records",
      bus: { send: async () => {} },
      clock: systemClock,
      log: silentLog,
    });
    ({ db } = events);
    await events.outbox.start();
  });
  after(async () => {
    await events?.close();
    await mongo?.close();
  });

  /** Five runs of a task, one of another that is deleted, one that goes on while its occurrences are skipped. */
  async function live({ call, create, recordsWhen }: Platform) {
    const ends = { handler: "test.ends", params: {}, isActive: false };
    const skipping = await create({ name: "skipping", handler: "test.holds", params: {} });
    const often = await create({ ...ends, name: "often" });
    const gone = await create({ ...ends, name: "gone" });
    const once = await create({ ...ends, name: "once", strategy: "once", expression: null, isActive: true });
    const allEnded = (count: number) => (records: readonly { endedAt: string | null }[]) =>
      records.length === count && records.every(({ endedAt }) => endedAt);
    for (let run = 0; run < 5; run++) await call("scheduler.runNow", { taskId: often });
    await call("scheduler.runNow", { taskId: gone });
    await Promise.all([
      recordsWhen(often, allEnded(5)),
      recordsWhen(gone, allEnded(1)),
      recordsWhen(once, allEnded(1)),
    ]);
    await call("scheduler.delete", { taskId: gone });
    await recordsWhen(
      skipping,
      (records) => records.filter(({ status }) => status === "skipped").length >= 3,
    );
    await call("scheduler.pause", { taskId: skipping });
    return { often, skipping, once, gone };
  }

  const documents = () => db.collection<RecordDocument>("scheduler_task_record");
  const countOf = (taskId: string) => documents().countDocuments({ task_id: taskId });
  const eventsOf = (stream: string) => db.collection<EventDocument>("events").countDocuments({ stream });

  /** Looks once, from a day later. */
  async function look(options: Partial<RetentionOptions>, added: readonly string[] = []) {
    let passes = 0;
    const history = mongoRunHistory({
      store: events.store,
      records: documents(),
      events: db.collection("events"),
    });
    const retention = createRetention({
      history,
      clock: {
        now() {
          passes += 1;
          return Date.now() + DAY_MS;
        },
      },
      log: { ...silentLog, warn: (fields) => assert.fail(JSON.stringify(fields)) },
      maxAgeMs: null,
      maxPerTask: null,
      minAgeMs: 1000,
      everyMs: 1,
      ...options,
    });
    for (const taskId of added) retention.added(taskId);
    retention.start();
    await eventually(() => passes >= 3);
    await retention.stop();
  }

  async function assertReplayable() {
    for (const model of [taskReadModel, recordReadModel])
      for await (const difference of compare(db, model)) assert.fail(JSON.stringify(difference));
  }

  it("forgets nothing that is too young, whatever the limits", async () => {
    const before = await documents().countDocuments();
    await look({ maxPerTask: 1, maxAgeMs: 1, minAgeMs: 2 * DAY_MS });
    assert.equal(await documents().countDocuments(), before);
  });

  it("keeps the newest runs of each task, and forgets the others with all their events", async () => {
    const [oldest] = await documents().find({ task_id: tasks.often }).sort({ start_datetime: 1 }).toArray();
    const dispatches = await eventsOf(`task-${tasks.often}`);
    await look({ maxPerTask: 2 });
    assert.equal(await countOf(tasks.often), 2);
    assert.equal(await documents().countDocuments({ _id: oldest?._id as ObjectId }), 0);
    assert.equal(await eventsOf(`run-${oldest?._id}`), 0);
    assert.equal(await eventsOf(`task-${tasks.often}`), dispatches - 3);
    await assertReplayable();
  });

  it("looks at a task again once it has a tenth more than its share", async () => {
    const [newest] = await documents().find({ task_id: tasks.often }).sort({ start_datetime: -1 }).toArray();
    const taskId = objectId();
    const copies = Array.from({ length: 25 }, (_, n) => {
      const { version, ...copy } = newest as RecordDocument;
      assert.ok(version);
      return { ...copy, _id: new ObjectId(), task_id: taskId, start_datetime: new Date(n) };
    });
    await documents().insertMany(copies);
    const history = mongoRunHistory({
      store: events.store,
      records: documents(),
      events: db.collection("events"),
    });
    const tasksBeyond = async () => [];
    await look({ maxPerTask: 20, history: { ...history, tasksBeyond } }, [taskId]);
    assert.equal(await countOf(taskId), 25, "one new record is no reason to look");
    await look({ maxPerTask: 20, history: { ...history, tasksBeyond } }, [taskId, taskId]);
    assert.equal(await countOf(taskId), 20);
    await documents().deleteMany({ task_id: taskId });
  });

  it("forgets what is too old, but for the last of each task that exists, and for what has not ended", async () => {
    await look({ maxAgeMs: DAY_MS / 2 });
    assert.deepEqual(
      [await countOf(tasks.often), await countOf(tasks.once), await countOf(tasks.gone)],
      [1, 1, 0],
    );
    const left = await documents().find({ task_id: tasks.skipping }).toArray();
    assert.deepEqual(left.map(({ status }) => status).sort(), ["running", "skipped"]);
    await assertReplayable();
  });
});
