import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ObjectId } from "mongodb";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { isDefined, type OpenRun } from "../task/task-state.ts";
import {
  CommandHandlers,
  create,
  type HandlerOptions,
  CREATED_AT as now,
  pause,
  remove,
  resume,
  run,
} from "./task-command-handler.fixture.ts";
import type { Handled } from "./task-command-handler.ts";
import { type TaskDocument, toDocument } from "./task-document.ts";

const endOf = (taskId: string, { runId }: OpenRun) => ({ taskId, runId });

describe("the command handler of tasks", () => {
  let handlers: CommandHandlers;
  before(async () => {
    handlers = await CommandHandlers.start();
  });
  after(() => handlers?.close());

  const scheduler = (options?: HandlerOptions) => handlers.open(options);
  const stored = (taskId: string) => handlers.stored(taskId);

  it("decides the commands on one task in the order of their arrival", async () => {
    const { commandHandler } = await scheduler();
    const taskId = objectId();
    const results = await Promise.all(
      [create(taskId), pause(taskId), pause(taskId), resume(taskId), run(taskId, 3000)].map((command) =>
        commandHandler.handle(command),
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
    const state = await commandHandler.state(taskId);
    assert.ok(isDefined(state) && state.status === "active");
    assert.equal(state.openRuns.length, 1);
  });

  it("has the new state in memory when its event is published", async () => {
    const taskId = objectId();
    const openRuns: number[] = [];
    const { commandHandler } = await scheduler({
      async send({ type }) {
        if (type !== "task.due") return;
        const runs = (await commandHandler.currentRuns([taskId])).get(taskId);
        openRuns.push(runs && runs.status !== "none" ? runs.openRuns.length : 0);
      },
    });
    const { after: created, version } = await commandHandler.handle(create(taskId));
    commandHandler.keep(taskId, { task: created, version });
    await commandHandler.handle(run(taskId, 1000));
    await eventually(() => openRuns.length > 0);
    assert.deepEqual(openRuns, [1]);
  });

  it("handles many commands in few transactions, and reports each changed task once", async () => {
    const { commandHandler, seen } = await scheduler();
    const taskIds = Array.from({ length: 1200 }, () => objectId());
    await Promise.all(taskIds.map((taskId) => commandHandler.handle(create(taskId))));
    assert.ok(seen.transactions <= 5, `${seen.transactions} transactions for ${taskIds.length} commands`);
    assert.deepEqual(seen.moved.sort(), taskIds.sort());
  });

  it("refuses a command alone: the others of its transaction are carried out", async () => {
    const { commandHandler } = await scheduler();
    const [good, active, unknown] = [objectId(), objectId(), objectId()] as const;
    await commandHandler.handle(create(active));
    const [created, removed, paused, ran] = await Promise.allSettled([
      commandHandler.handle(create(good)),
      commandHandler.handle({ type: "delete", taskId: active, now }),
      commandHandler.handle(pause(unknown)),
      commandHandler.handle(run(active, 1000)),
    ]);
    assert.equal(created.status, "fulfilled");
    assert.equal(removed.status === "rejected" && removed.reason.type, "TASK_ACTIVE");
    assert.equal(paused.status === "rejected" && paused.reason.type, "TASK_NOT_FOUND");
    assert.equal(ran.status, "fulfilled");
    assert.deepEqual([(await stored(good)).length, (await stored(active)).length], [1, 2]);
  });

  it("pauses and deletes a task whose time zone no longer exists; rejects only resuming it", async () => {
    const { commandHandler } = await scheduler();
    const [good, bad] = [objectId(), objectId()] as const;
    await Promise.all([commandHandler.handle(create(good)), commandHandler.handle(create(bad))]);
    const tasks = handlers.mongo.db.collection<TaskDocument>("scheduler_task_list");
    await tasks.updateOne({ _id: new ObjectId(bad) }, { $set: { timezone: "Mars/Olympus" } });
    await commandHandler.handle(pause(bad));
    const [paused, failed] = await Promise.allSettled([
      commandHandler.handle(pause(good)),
      commandHandler.handle(resume(bad)),
    ]);
    assert.deepEqual([paused.status, failed.status], ["fulfilled", "rejected"]);
    assert.equal(failed.status === "rejected" && failed.reason.type, "TRIGGER_INVALID");
    await commandHandler.handle(remove(bad));
    assert.equal(await tasks.countDocuments({ _id: new ObjectId(bad) }), 0);
  });

  it("handles the ends of runs while the outbox is full, and rejects the commands alone", async () => {
    const taken = Promise.withResolvers<void>();
    const { commandHandler } = await scheduler({ capacity: 2, send: () => taken.promise });
    const [busy, other] = [objectId(), objectId()] as const;
    await commandHandler.handle(create(busy));
    const [ran, late] = await Promise.allSettled([
      commandHandler.handle(run(busy, 1000)),
      commandHandler.handle(create(other)),
    ]);
    assert.deepEqual([ran.status, late.status], ["fulfilled", "fulfilled"], "what was begun with room ends");
    assert.equal(commandHandler.hasRoom(), false);
    await assert.rejects(commandHandler.handle(pause(busy)), { type: "OUTBOX_FULL", retryable: true });
    const state = await commandHandler.state(busy);
    assert.ok(isDefined(state));
    const { after } = await commandHandler.endRun(endOf(busy, state.openRuns[0] as OpenRun));
    assert.deepEqual(isDefined(after) && after.openRuns, []);
    taken.resolve();
    await eventually(commandHandler.hasRoom);
    assert.equal((await commandHandler.handle(pause(busy))).events.length, 1);
  });

  it("handles the ends of runs also if the outbox fills up while they wait in one batch with commands", async () => {
    const { commandHandler } = await scheduler({ capacity: 3, send: () => new Promise(() => {}) });
    const taskId = objectId();
    await commandHandler.handle(create(taskId));
    const first = await commandHandler.handle(run(taskId, 1000));
    const takesTheRoom = commandHandler.handle(run(taskId, 2000));
    await Promise.resolve();
    const refused = assert.rejects(commandHandler.handle(pause(taskId)), { type: "OUTBOX_FULL" });
    assert.ok(isDefined(first.after));
    const { after } = await commandHandler.endRun(endOf(taskId, first.after.openRuns[0] as OpenRun));
    await Promise.all([takesTheRoom, refused]);
    assert.equal(isDefined(after) && after.openRuns.length, 1);
  });

  it("skips no occurrence because of a run whose end is received in the same batch", async () => {
    const { commandHandler } = await scheduler();
    const taskId = objectId();
    const dispatch = (at: number) =>
      commandHandler.handle({ type: "dispatchDue", taskId, now: now + at, aheadMs: 0, limit: 10 });
    await commandHandler.handle(create(taskId));
    const { after } = await dispatch(10_000);
    assert.ok(isDefined(after));
    const [dispatched] = await Promise.all([
      dispatch(20_000),
      commandHandler.endRun(endOf(taskId, after.openRuns[0] as OpenRun)),
    ]);
    assert.deepEqual(
      dispatched.events.map(({ type }) => type),
      ["task.due"],
    );
  });

  it("decides again on the new state if another writer was faster, without harm to the others", async () => {
    const first = await scheduler();
    const second = await scheduler();
    const [shared, other] = [objectId(), objectId()] as const;
    const { after, version } = await first.commandHandler.handle(create(shared));
    first.commandHandler.keep(shared, { task: after, version });
    await second.commandHandler.handle(pause(shared));
    const [again, neighbour] = await Promise.all([
      first.commandHandler.handle(pause(shared)),
      first.commandHandler.handle(create(other)),
    ]);
    assert.deepEqual(again.events, [], "it is paused already");
    assert.equal(neighbour.events.length, 1);
    assert.deepEqual(
      (await stored(shared)).map(({ type }) => type),
      ["task.created", "task.paused"],
    );
  });

  it("creates one task for a repeated create, at once, later or at another writer", async () => {
    const first = await scheduler();
    const second = await scheduler();
    const taskId = objectId();
    const counts = [];
    for (const decisions of [
      await Promise.all([
        first.commandHandler.handle(create(taskId)),
        first.commandHandler.handle(create(taskId)),
      ]),
      [await first.commandHandler.handle(create(taskId)), await second.commandHandler.handle(create(taskId))],
    ])
      counts.push(decisions.map(({ events }) => events.length));
    assert.deepEqual(counts, [
      [1, 0],
      [0, 0],
    ]);
    assert.equal((await stored(taskId)).length, 1);
  });

  it("removes an ended run without undoing what another writer did meanwhile", async () => {
    const [former, current] = [await scheduler(), await scheduler()];
    const taskId = objectId();
    await former.commandHandler.handle(create(taskId));
    await former.commandHandler.handle(run(taskId, 1000));
    const { after, version } = await former.commandHandler.handle(run(taskId, 2000));
    assert.ok(isDefined(after));
    former.commandHandler.keep(taskId, { task: after, version });
    const [first, second] = after.openRuns as [OpenRun, OpenRun];
    await current.commandHandler.endRun(endOf(taskId, first));
    await current.commandHandler.handle(pause(taskId));
    await former.commandHandler.endRun(endOf(taskId, second));
    const document = await handlers.mongo.db
      .collection<TaskDocument>("scheduler_task_list")
      .findOne({ _id: new ObjectId(taskId) });
    assert.deepEqual([document?.version, document?.status, document?.running], [4, "paused", []]);
    assert.equal((await current.commandHandler.handle(resume(taskId))).version, 5);
  });

  it("stores the state that follows from the stream: runs added, ended and revoked", async () => {
    const { commandHandler } = await scheduler();
    const taskId = objectId();
    const document = () =>
      handlers.mongo.db
        .collection<TaskDocument>("scheduler_task_list")
        .findOne({ _id: new ObjectId(taskId) });
    await commandHandler.handle(create(taskId));
    const runs = [run(taskId, 1), run(taskId, 2), run(taskId, 3)];
    const [, { after: before }] = (await Promise.all(
      runs.map((command) => commandHandler.handle(command)),
    )) as [Handled, Handled, Handled];
    assert.ok(isDefined(before));
    await commandHandler.endRun(endOf(taskId, before.openRuns[0] as OpenRun));
    for (const command of [run(taskId, 4), pause(taskId), run(taskId, 1500), resume(taskId)]) {
      const { after, version } = await commandHandler.handle(command);
      assert.ok(isDefined(after));
      assert.deepEqual(await document(), toDocument(after, version));
      const { status, openRuns } = after;
      assert.deepEqual((await commandHandler.currentRuns([taskId])).get(taskId), { status, openRuns });
    }
  });

  it("reads the runs of a task whose definition is no longer valid", async () => {
    const { commandHandler } = await scheduler();
    const taskId = objectId();
    await commandHandler.handle(create(taskId));
    const { after } = await commandHandler.handle(run(taskId, 1));
    await handlers.mongo.db
      .collection<TaskDocument>("scheduler_task_list")
      .updateOne({ _id: new ObjectId(taskId) }, { $set: { exec_strategy: "cron", expression: "never" } });
    const runs = await commandHandler.currentRuns([taskId, objectId()]);
    assert.deepEqual(
      [...runs],
      [[taskId, { status: "active", openRuns: isDefined(after) && after.openRuns }]],
    );
  });

  it("lets one of two writers win each time they decide at the same time", async () => {
    const writers = [await scheduler(), await scheduler()];
    const taskId = objectId();
    await writers[0]?.commandHandler.handle(create(taskId));
    const runs = Array.from({ length: 20 }, (_, n) => writers[n % 2]?.commandHandler.handle(run(taskId, n)));
    await Promise.all(runs);
    const versions = (await stored(taskId)).map(({ version }) => version);
    assert.deepEqual(
      versions,
      Array.from({ length: 21 }, (_, n) => n + 1),
    );
    const state = await writers[0]?.commandHandler.state(taskId);
    assert.ok(state && isDefined(state) && state.openRuns.length === 20);
  });

  it("rejects with a retryable error while the store is unavailable, and the next call works", async () => {
    const { commandHandler } = await scheduler({ timeoutMs: 3000 });
    const taskId = objectId();
    await commandHandler.handle(create(taskId));
    handlers.proxy.cut();
    const calls = await Promise.allSettled([
      commandHandler.handle(pause(taskId)),
      commandHandler.handle(create(objectId())),
    ]);
    handlers.proxy.restore();
    for (const call of calls) {
      assert.ok(call.status === "rejected");
      const { type, retryable } = call.reason;
      assert.deepEqual({ type, retryable }, { type: "STORE_UNAVAILABLE", retryable: true }, call.reason);
    }
    const { events } = await commandHandler.handle(pause(taskId));
    assert.equal(events.length, 1);
  });
});
