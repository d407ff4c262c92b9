import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ObjectId } from "mongodb";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { endOf } from "../dispatch/active-scheduler.ts";
import { type ActiveRun, isDefined } from "../task/task-state.ts";
import { type TaskDocument, toDocument } from "./task-document.ts";
import {
  create,
  type LedgerOptions,
  Ledgers,
  CREATED_AT as now,
  pause,
  remove,
  resume,
  run,
} from "./task-ledger.fixture.ts";
import type { Handled } from "./task-ledger.ts";

describe("the ledger of tasks", () => {
  let ledgers: Ledgers;
  before(async () => {
    ledgers = await Ledgers.start();
  });
  after(() => ledgers?.close());

  const scheduler = (options?: LedgerOptions) => ledgers.open(options);
  const stored = (taskId: string) => ledgers.stored(taskId);

  it("decides the commands on one task in the order in which they came", async () => {
    const { ledger } = await scheduler();
    const taskId = objectId();
    const results = await Promise.all(
      [create(taskId), pause(taskId), pause(taskId), resume(taskId), run(taskId, 3000)].map((command) =>
        ledger.handle(command),
      ),
    );
    assert.deepEqual(
      results.map(({ events }) => events.map(({ type }) => type)),
      [["task.created"], ["task.paused"], [], ["task.resumed"], ["task.due"]],
    );
    assert.deepEqual(
      (await stored(taskId)).map(({ version, type }) => [version, type]),
      [
        [1, "task.created"],
        [2, "task.paused"],
        [3, "task.resumed"],
        [4, "task.due"],
      ],
    );
    const state = await ledger.state(taskId);
    assert.ok(isDefined(state) && state.status === "active");
    assert.equal(state.running.length, 1);
  });

  it("settles many commands in few transactions, and tells of each task once", async () => {
    const { ledger, seen } = await scheduler();
    const taskIds = Array.from({ length: 1200 }, () => objectId());
    await Promise.all(taskIds.map((taskId) => ledger.handle(create(taskId))));
    assert.ok(seen.transactions <= 5, `${seen.transactions} transactions for ${taskIds.length} commands`);
    assert.deepEqual(seen.moved.sort(), taskIds.sort());
  });

  it("refuses a command alone: its neighbours in the transaction are carried out", async () => {
    const { ledger } = await scheduler();
    const [good, active, unknown] = [objectId(), objectId(), objectId()] as const;
    await ledger.handle(create(active));
    const [created, removed, paused, ran] = await Promise.allSettled([
      ledger.handle(create(good)),
      ledger.handle({ type: "delete", taskId: active, now }),
      ledger.handle(pause(unknown)),
      ledger.handle(run(active, 1000)),
    ]);
    assert.equal(created.status, "fulfilled");
    assert.equal(removed.status === "rejected" && removed.reason.type, "TASK_ACTIVE");
    assert.equal(paused.status === "rejected" && paused.reason.type, "TASK_NOT_FOUND");
    assert.equal(ran.status, "fulfilled");
    assert.deepEqual([(await stored(good)).length, (await stored(active)).length], [1, 2]);
  });

  it("pauses and deletes a task whose time zone no longer exists; rejects only resuming it", async () => {
    const { ledger } = await scheduler();
    const [good, bad] = [objectId(), objectId()] as const;
    await Promise.all([ledger.handle(create(good)), ledger.handle(create(bad))]);
    const tasks = ledgers.mongo.db.collection<TaskDocument>("scheduler_task_list");
    await tasks.updateOne({ _id: new ObjectId(bad) }, { $set: { timezone: "Mars/Olympus" } });
    await ledger.handle(pause(bad));
    const [paused, failed] = await Promise.allSettled([
      ledger.handle(pause(good)),
      ledger.handle(resume(bad)),
    ]);
    assert.deepEqual([paused.status, failed.status], ["fulfilled", "rejected"]);
    assert.equal(failed.status === "rejected" && failed.reason.type, "TRIGGER_INVALID");
    await ledger.handle(remove(bad));
    assert.equal(await tasks.countDocuments({ _id: new ObjectId(bad) }), 0);
  });

  it("settles the ends of runs while the bus takes no more events, and refuses commands alone", async () => {
    const taken = Promise.withResolvers<void>();
    const { ledger } = await scheduler({ capacity: 2, send: () => taken.promise });
    const [busy, other] = [objectId(), objectId()] as const;
    await ledger.handle(create(busy));
    const [ran, late] = await Promise.allSettled([
      ledger.handle(run(busy, 1000)),
      ledger.handle(create(other)),
    ]);
    assert.deepEqual([ran.status, late.status], ["fulfilled", "fulfilled"], "what was begun with room ends");
    assert.equal(ledger.hasRoom(), false);
    await assert.rejects(ledger.handle(pause(busy)), { type: "OUTBOX_FULL", retryable: true });
    const state = await ledger.state(busy);
    assert.ok(isDefined(state));
    const { after } = await ledger.observe(endOf(busy, state.running[0] as ActiveRun));
    assert.deepEqual(isDefined(after) && after.running, []);
    taken.resolve();
    await eventually(ledger.hasRoom);
    assert.equal((await ledger.handle(pause(busy))).events.length, 1);
  });

  it("settles the ends of runs also where the room goes while they wait in one batch with commands", async () => {
    const { ledger } = await scheduler({ capacity: 3, send: () => new Promise(() => {}) });
    const taskId = objectId();
    await ledger.handle(create(taskId));
    const first = await ledger.handle(run(taskId, 1000));
    const takesTheRoom = ledger.handle(run(taskId, 2000));
    await Promise.resolve();
    const refused = assert.rejects(ledger.handle(pause(taskId)), { type: "OUTBOX_FULL" });
    assert.ok(isDefined(first.after));
    const { after } = await ledger.observe(endOf(taskId, first.after.running[0] as ActiveRun));
    await Promise.all([takesTheRoom, refused]);
    assert.equal(isDefined(after) && after.running.length, 1);
  });

  it("skips no occurrence because of a run whose end is received in the same batch", async () => {
    const { ledger } = await scheduler();
    const taskId = objectId();
    const dispatch = (at: number) =>
      ledger.handle({ type: "fire", taskId, now: now + at, aheadMs: 0, limit: 10 });
    await ledger.handle(create(taskId));
    const { after } = await dispatch(10_000);
    assert.ok(isDefined(after));
    const [dispatched] = await Promise.all([
      dispatch(20_000),
      ledger.observe(endOf(taskId, after.running[0] as ActiveRun)),
    ]);
    assert.deepEqual(
      dispatched.events.map(({ type }) => type),
      ["task.due"],
    );
  });

  it("decides again on the new state where another writer was faster, and harms no neighbour by it", async () => {
    const first = await scheduler();
    const second = await scheduler();
    const [shared, other] = [objectId(), objectId()] as const;
    const { after, version } = await first.ledger.handle(create(shared));
    first.ledger.remember(shared, { task: after, version });
    await second.ledger.handle(pause(shared));
    const [again, neighbour] = await Promise.all([
      first.ledger.handle(pause(shared)),
      first.ledger.handle(create(other)),
    ]);
    assert.deepEqual(again.events, [], "it is paused already");
    assert.equal(neighbour.events.length, 1);
    assert.deepEqual(
      (await stored(shared)).map(({ type }) => type),
      ["task.created", "task.paused"],
    );
  });

  it("makes one task of a create that comes twice, at once, later or at another writer", async () => {
    const first = await scheduler();
    const second = await scheduler();
    const taskId = objectId();
    const counts = [];
    for (const answers of [
      await Promise.all([first.ledger.handle(create(taskId)), first.ledger.handle(create(taskId))]),
      [await first.ledger.handle(create(taskId)), await second.ledger.handle(create(taskId))],
    ])
      counts.push(answers.map(({ events }) => events.length));
    assert.deepEqual(counts, [
      [1, 0],
      [0, 0],
    ]);
    assert.equal((await stored(taskId)).length, 1);
  });

  it("takes note of a run's end without undoing what another writer did meanwhile", async () => {
    const [former, current] = [await scheduler(), await scheduler()];
    const taskId = objectId();
    await former.ledger.handle(create(taskId));
    await former.ledger.handle(run(taskId, 1000));
    const { after, version } = await former.ledger.handle(run(taskId, 2000));
    assert.ok(isDefined(after));
    former.ledger.remember(taskId, { task: after, version });
    const [first, second] = after.running as [ActiveRun, ActiveRun];
    await current.ledger.observe(endOf(taskId, first));
    await current.ledger.handle(pause(taskId));
    await former.ledger.observe(endOf(taskId, second));
    const document = await ledgers.mongo.db
      .collection<TaskDocument>("scheduler_task_list")
      .findOne({ _id: new ObjectId(taskId) });
    assert.deepEqual([document?.version, document?.status, document?.running], [4, "paused", []]);
    assert.equal((await current.ledger.handle(resume(taskId))).version, 5);
  });

  it("stores what the stream says, however it came about: runs added, ended and revoked", async () => {
    const { ledger } = await scheduler();
    const taskId = objectId();
    const document = () =>
      ledgers.mongo.db.collection<TaskDocument>("scheduler_task_list").findOne({ _id: new ObjectId(taskId) });
    await ledger.handle(create(taskId));
    const runs = [run(taskId, 1), run(taskId, 2), run(taskId, 3)];
    const [, { after: before }] = (await Promise.all(runs.map((command) => ledger.handle(command)))) as [
      Handled,
      Handled,
      Handled,
    ];
    assert.ok(isDefined(before));
    await ledger.observe(endOf(taskId, before.running[0] as ActiveRun));
    for (const command of [run(taskId, 4), pause(taskId), run(taskId, 1500), resume(taskId)]) {
      const { after, version } = await ledger.handle(command);
      assert.ok(isDefined(after));
      assert.deepEqual(await document(), toDocument(after, version));
      const { status, running } = after;
      assert.deepEqual((await ledger.currentRuns([taskId])).get(taskId), { status, running });
    }
  });

  it("reads the runs of a task whose definition is no longer valid", async () => {
    const { ledger } = await scheduler();
    const taskId = objectId();
    await ledger.handle(create(taskId));
    const { after } = await ledger.handle(run(taskId, 1));
    await ledgers.mongo.db
      .collection<TaskDocument>("scheduler_task_list")
      .updateOne({ _id: new ObjectId(taskId) }, { $set: { exec_strategy: "cron", expression: "never" } });
    const runs = await ledger.currentRuns([taskId, objectId()]);
    assert.deepEqual([...runs], [[taskId, { status: "active", running: isDefined(after) && after.running }]]);
  });

  it("keeps one of two writers that decide at the same moment again and again", async () => {
    const writers = [await scheduler(), await scheduler()];
    const taskId = objectId();
    await writers[0]?.ledger.handle(create(taskId));
    const runs = Array.from({ length: 20 }, (_, n) => writers[n % 2]?.ledger.handle(run(taskId, n)));
    await Promise.all(runs);
    const versions = (await stored(taskId)).map(({ version }) => version);
    assert.deepEqual(
      versions,
      Array.from({ length: 21 }, (_, n) => n + 1),
    );
    const state = await writers[0]?.ledger.state(taskId);
    assert.ok(state && isDefined(state) && state.running.length === 20);
  });

  it("rejects with a retryable error while the store is away, and the next call works", async () => {
    const { ledger } = await scheduler({ timeoutMs: 3000 });
    const taskId = objectId();
    await ledger.handle(create(taskId));
    ledgers.proxy.cut();
    const calls = await Promise.allSettled([ledger.handle(pause(taskId)), ledger.handle(create(objectId()))]);
    ledgers.proxy.restore();
    for (const call of calls) {
      assert.ok(call.status === "rejected");
      const { type, retryable } = call.reason;
      assert.deepEqual({ type, retryable }, { type: "STORE_UNAVAILABLE", retryable: true }, call.reason);
    }
    const { events } = await ledger.handle(pause(taskId));
    assert.equal(events.length, 1);
  });
});
