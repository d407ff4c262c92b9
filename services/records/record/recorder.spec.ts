import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Collection } from "mongodb";
import { ensureIndexes } from "../../../migrations/mongo/indexes.ts";
import { type Clock, systemClock as clock } from "../../../shared/clock.ts";
import type { EventDocument } from "../../../shared/event-store/event-document.ts";
import type { EventStore } from "../../../shared/event-store/event-store.ts";
import { type OpenEventStore, openEventStore } from "../../../shared/event-store/open-event-store.ts";
import { eventually, LIMIT_MS } from "../../../test/eventually.ts";
import { startTestMongo, type TestMongo } from "../../../test/mongo.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { declareLost } from "../lost/declare-lost.ts";
import { createReaper } from "../lost/reaper.ts";
import { mongoRecords, type RecordStore } from "./mongo-records.ts";
import type { RecordDocument } from "./record-document.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { type RunCommandHandler, runCommandHandler } from "./run-command-handler.ts";
import { exampleRun } from "./run-events.fixture.ts";

const DAY_MS = 86_400_000;

describe("the recorder", () => {
  let mongo: TestMongo;
  let events: OpenEventStore;
  let documents: Collection<RecordDocument>;
  const recorders: Recorder[] = [];
  before(async () => {
    mongo = await startTestMongo();
    await ensureIndexes(mongo.db, ["events", "scheduler_task_record"]);
    const config = { mongoUrl: mongo.url, mongoDatabase: "kinit", natsUrl: "" };
    events = await openEventStore({
      config,
      service: "records",
      bus: { send: async () => {} },
      clock,
      log: silentLog,
    });
    await events.outbox.start();
    documents = events.db.collection("scheduler_task_record");
  });
  after(async () => {
    await Promise.all(recorders.map((recorder) => recorder.flush()));
    await events?.close();
    await mongo?.close();
  });

  /** A recorder of its own on the common store, and the number of its transactions. */
  function recorderUnderTest(ofClock: Clock = clock) {
    const seen = { transactions: 0 };
    const store: EventStore = {
      ...events.store,
      transact(work) {
        seen.transactions += 1;
        return events.store.transact(work);
      },
    };
    const records = mongoRecords({ records: documents, lostMs: 1000, defaultTimeoutMs: 1000 });
    const handler = runCommandHandler({ store, records, clock: ofClock, maxBatch: 1000 });
    const recorder = createRecorder({ handler, clock: ofClock });
    recorders.push(recorder);
    return { recorder, records, handler, seen };
  }
  const fresh = { isRedelivered: false };
  const redelivered = { isRedelivered: true };
  const recordOf = async (runId: string) =>
    (await documents.find({ _id: { $exists: true } }).toArray()).find(({ _id }) => String(_id) === runId);
  const streamOf = (runId: string) =>
    events.db
      .collection<EventDocument>("events")
      .find({ stream: `run-${runId}` })
      .toArray();

  it("writes a short run once: its dispatch waits for its end", async () => {
    const { recorder, seen } = recorderUnderTest();
    const run = exampleRun();
    const dispatched = recorder.record([run.due()], fresh);
    assert.equal(await recordOf(run.runId), undefined);
    await recorder.record([run.succeeded()], fresh);
    await dispatched;
    const record = await recordOf(run.runId);
    assert.deepEqual(
      [record?.status, record?.job_class, record?.version],
      ["succeeded", "test.main.Test", 1],
    );
    assert.equal(seen.transactions, 1);
  });

  it("records a dispatched run by itself once its run should have ended", async () => {
    const { recorder } = recorderUnderTest();
    const run = exampleRun();
    const dispatchedAt = clock.now();
    await recorder.record([run.due()], fresh);
    assert.ok(clock.now() - dispatchedAt >= 300);
    assert.equal((await recordOf(run.runId))?.status, "queued");
  });

  it("lets dispatched runs wait longer while others end late, so that each is written once", async () => {
    let passedMs = 0;
    let calls = 0;
    const ofClock = {
      now() {
        calls += 1;
        return clock.now() + passedMs;
      },
    };
    const { recorder, seen } = recorderUnderTest(ofClock);
    const slow = exampleRun();
    const slowDispatched = recorder.record([slow.due()], fresh);
    passedMs = 3000;
    await Promise.all([slowDispatched, recorder.record([slow.succeeded()], fresh)]);
    assert.equal(seen.transactions, 1);
    const runs = Array.from({ length: 1500 }, () => exampleRun());
    const dispatched = recorder.record(
      runs.map((run) => run.due()),
      fresh,
    );
    passedMs += 1000;
    const swept = calls + 2;
    await eventually(() => calls >= swept);
    assert.equal(seen.transactions, 1);
    await recorder.record(
      runs.map((run) => run.succeeded()),
      fresh,
    );
    await dispatched;
    assert.equal(seen.transactions, 2);
    const late = Array.from({ length: 1500 }, () => exampleRun());
    const alone = recorder.record(
      late.map((run) => run.due()),
      fresh,
    );
    passedMs += 20_000;
    await alone;
    assert.equal((await recordOf(late[0]?.runId ?? ""))?.status, "queued");
  });

  it("records a redelivered dispatch at once", async () => {
    const { recorder } = recorderUnderTest();
    const run = exampleRun({ plannedAt: clock.now() + DAY_MS });
    await recorder.record([run.due()], redelivered);
    assert.equal((await recordOf(run.runId))?.status, "queued");
  });

  it("records an event once, however often and by whichever recorder it is received", async () => {
    const [first, second] = [recorderUnderTest().recorder, recorderUnderTest().recorder];
    const run = exampleRun();
    const [due, started, succeeded] = [run.due(), run.started(), run.succeeded()];
    await first.record([due, started, succeeded], redelivered);
    const before = await recordOf(run.runId);
    for (const recorder of [first, second]) {
      await recorder.record([due], redelivered);
      await recorder.record([started, succeeded], fresh);
      await recorder.record([succeeded], redelivered);
    }
    assert.deepEqual(await recordOf(run.runId), before);
    assert.deepEqual(
      (await streamOf(run.runId)).map(({ version, type }) => [version, type]),
      [
        [1, "run.started"],
        [2, "run.succeeded"],
      ],
    );
  });

  it(
    "records a run that was dispatched twice, without a delay for either event",
    { timeout: LIMIT_MS },
    async () => {
      const { recorder } = recorderUnderTest();
      const run = exampleRun();
      const both = [recorder.record([run.due()], fresh), recorder.record([run.due()], fresh)];
      await recorder.record([run.succeeded()], fresh);
      await Promise.all(both);
      assert.equal((await recordOf(run.runId))?.status, "succeeded");
    },
  );

  it("loses nothing while two recorders write the same records at the same time", async () => {
    const [first, second] = [recorderUnderTest().recorder, recorderUnderTest().recorder];
    const runs = Array.from({ length: 40 }, () => exampleRun());
    await Promise.all(
      runs.flatMap((run) => [
        first.record([run.due()], redelivered),
        second.record([run.started()], fresh),
        first.record([run.succeeded()], fresh),
      ]),
    );
    for (const { runId } of runs) {
      const record = await recordOf(runId);
      assert.deepEqual(
        [record?.status, record?.name, record?.attempts?.length, record?.version],
        ["succeeded", "greet", 1, 2],
      );
    }
  });

  it("isolates an event that cannot be recorded: the others of its batch are recorded", async () => {
    const { recorder } = recorderUnderTest();
    const [good, bad, other] = [exampleRun(), exampleRun(), exampleRun()];
    const calls = await Promise.allSettled([
      recorder.record([good.succeeded()], fresh),
      // JSON has no form for this value.
      recorder.record([bad.succeeded({ result: 1n })], fresh),
      recorder.record([other.succeeded()], fresh),
    ]);
    assert.deepEqual(
      calls.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.deepEqual([(await streamOf(bad.runId)).length, (await streamOf(good.runId)).length], [0, 1]);
  });

  it("keeps the first outcome and counts a later one", async () => {
    const { recorder } = recorderUnderTest();
    const run = exampleRun();
    await recorder.record([run.due(), run.lost()], redelivered);
    await recorder.record([run.succeeded()], fresh);
    const record = await recordOf(run.runId);
    assert.deepEqual([record?.status, record?.contradictions, record?.version], ["lost", 1, 2]);
  });

  it("records the waiting runs on a flush, and later ones at once", async () => {
    const { recorder } = recorderUnderTest();
    const [held, later] = [
      exampleRun({ plannedAt: clock.now() + DAY_MS }),
      exampleRun({ plannedAt: clock.now() + DAY_MS }),
    ];
    const dispatched = recorder.record([held.due()], fresh);
    await recorder.flush();
    await dispatched;
    await recorder.record([later.due()], fresh);
    for (const { runId } of [held, later]) assert.equal((await recordOf(runId))?.status, "queued");
  });

  describe("and the reaper", () => {
    const longAgo = () => clock.now() - DAY_MS;
    const reaperOf = (
      { overdue, handler }: Pick<RecordStore, "overdue"> & { handler: RunCommandHandler },
      ofClock = clock,
    ) =>
      createReaper({
        records: { overdue },
        declareLost: declareLost({ handler, clock: ofClock, log: silentLog }),
        clock: ofClock,
        log: silentLog,
        everyMs: 10,
      });

    it("declares a run lost that has had no event for too long, and publishes that", async () => {
      const { recorder, records, handler } = recorderUnderTest();
      const [silent, alive] = [exampleRun({ at: longAgo() }), exampleRun()];
      await recorder.record([silent.due(), silent.started(), alive.due(), alive.started()], redelivered);
      const reaper = reaperOf({ overdue: records.overdue, handler }, { now: () => clock.now() - 5 });
      reaper.start();
      await eventually(async () => (await recordOf(silent.runId))?.status === "lost");
      await reaper.stop();
      assert.equal((await recordOf(alive.runId))?.status, "running");
      const [, lost] = await streamOf(silent.runId);
      assert.equal(lost?.type, "run.lost");
      assert.ok(lost?.writer, "the outbox publishes it");
      const record = await recordOf(silent.runId);
      assert.deepEqual(record?.update_datetime, lost.time, "the record is what its events make of it");
    });

    it("does not declare a run lost whose outcome is recorded at the last moment", async () => {
      const { recorder, records, handler } = recorderUnderTest();
      const run = exampleRun({ at: longAgo() });
      await recorder.record([run.due(), run.started()], redelivered);
      const looked = Promise.withResolvers<void>();
      const overdue: typeof records.overdue = async (...query) => {
        const found = await records.overdue(...query);
        await recorder.record([run.succeeded()], redelivered);
        looked.resolve();
        return found;
      };
      const reaper = reaperOf({ overdue, handler });
      reaper.start();
      await looked.promise;
      await reaper.stop();
      assert.equal((await recordOf(run.runId))?.status, "succeeded");
    });

    it("does not undo what is recorded while it looks", async () => {
      const { recorder, records, handler } = recorderUnderTest();
      const run = exampleRun({ at: longAgo() });
      await recorder.record([run.started()], redelivered);
      const overdue: typeof records.overdue = async (...query) => {
        const found = await records.overdue(...query);
        await recorder.record([run.due()], redelivered);
        return found;
      };
      const reaper = reaperOf({ overdue, handler });
      reaper.start();
      await eventually(async () => (await recordOf(run.runId))?.status === "lost");
      await reaper.stop();
      assert.equal((await recordOf(run.runId))?.job_class, "test.main.Test");
    });
  });
});
