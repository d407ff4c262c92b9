import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CommandRef } from "../../../shared/contracts/command.ts";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { mongoFence } from "../leadership/mongo-fence.ts";
import { isDefined, type OpenRun } from "../task/task-state.ts";
import { CommandHandlers, create, pause, remove, resume, run } from "./task-command-handler.fixture.ts";

const inTime = (): CommandRef => ({ id: objectId(), deadline: Date.now() + 60_000 });

let handlers: CommandHandlers;
before(async () => {
  handlers = await CommandHandlers.start();
});
after(() => handlers?.close());

describe("a repeated command", () => {
  it("has no effect and its first outcome, also after others and at another scheduler", async () => {
    const first = await handlers.open({ epoch: 1 });
    const taskId = objectId();
    await first.commandHandler.handle(create(taskId));
    await first.commandHandler.handle(pause(taskId));
    const ref = inTime();
    assert.equal((await first.commandHandler.handle(resume(taskId), { ref })).changed, true);
    await first.commandHandler.handle(pause(taskId), { ref: inTime() });
    const again = await first.commandHandler.handle(resume(taskId), { ref });
    assert.deepEqual([again.changed, again.events], [true, []]);
    const second = await handlers.open({ epoch: 2 });
    const elsewhere = await second.commandHandler.handle(resume(taskId), { ref });
    assert.deepEqual([elsewhere.changed, elsewhere.events], [true, []]);
    assert.equal(isDefined(elsewhere.after) && elsewhere.after.status, "paused");
  });

  it("is recognised also if it had nothing to change, or was refused", async () => {
    const { commandHandler } = await handlers.open({ epoch: 2 });
    const taskId = objectId();
    await commandHandler.handle(create(taskId));
    const [idle, refused] = [inTime(), inTime()];
    assert.equal((await commandHandler.handle(resume(taskId), { ref: idle })).changed, false);
    await assert.rejects(commandHandler.handle(remove(taskId), { ref: refused }), {
      type: "TASK_ACTIVE",
      code: 400,
    });
    await commandHandler.handle(pause(taskId));
    assert.equal((await commandHandler.handle(resume(taskId), { ref: idle })).changed, false);
    await assert.rejects(commandHandler.handle(remove(taskId), { ref: refused }), {
      type: "TASK_ACTIVE",
      code: 400,
    });
    const state = await commandHandler.state(taskId);
    assert.equal(isDefined(state) && state.status, "paused");
  });

  it("is decided once if both submissions are in one transaction", async () => {
    const { commandHandler } = await handlers.open({ epoch: 2 });
    const taskId = objectId();
    await commandHandler.handle(create(taskId));
    const ref = inTime();
    const both = await Promise.all([1, 2].map(() => commandHandler.handle(run(taskId, 0), { ref })));
    assert.deepEqual(
      both.map(({ changed, events }) => [changed, events.length]),
      [
        [true, 1],
        [true, 0],
      ],
    );
  });

  it("stores no outcome if its task does not exist", async () => {
    const { commandHandler } = await handlers.open({ epoch: 2 });
    const ref = inTime();
    await assert.rejects(commandHandler.handle(pause(objectId()), { ref }), { type: "TASK_NOT_FOUND" });
    assert.equal(
      await handlers.mongo.db
        .collection<{ _id: string }>("scheduler_commands")
        .countDocuments({ _id: ref.id }),
      0,
    );
  });
});

describe("a command after its deadline", () => {
  it("is rejected alone and changes nothing", async () => {
    const { commandHandler } = await handlers.open({ epoch: 3 });
    const [late, timely] = [objectId(), objectId()];
    const ref = { id: objectId(), deadline: Date.now() - 1 };
    const [refused, made] = await Promise.allSettled([
      commandHandler.handle(create(late), { ref }),
      commandHandler.handle(create(timely), { ref: inTime() }),
    ]);
    assert.equal(refused.status === "rejected" && refused.reason.type, "COMMAND_LATE");
    assert.equal(made.status, "fulfilled");
    assert.deepEqual([(await handlers.stored(late)).length, (await handlers.stored(timely)).length], [0, 1]);
  });

  it("is rejected also if the deadline passes while the store does not respond", async () => {
    let now = Date.now();
    const { commandHandler } = await handlers.open({ epoch: 3, clock: { now: () => now } });
    const taskId = objectId();
    handlers.proxy.freeze();
    const call = commandHandler.handle(create(taskId), { ref: { id: objectId(), deadline: now + 10_000 } });
    await new Promise((resolve) => setImmediate(resolve));
    now += 20_000;
    handlers.proxy.restore();
    await assert.rejects(call, { type: "COMMAND_LATE" });
    assert.deepEqual(await handlers.stored(taskId), []);
  });
});

describe("a scheduler whose lease has moved", () => {
  it("changes nothing: not by commands, not by ends of runs, not by the states in its memory", async () => {
    const former = await handlers.open({ epoch: 10 });
    const taskId = objectId();
    await former.commandHandler.handle(create(taskId));
    const { after, version } = await former.commandHandler.handle(run(taskId, 1000));
    former.commandHandler.keep(taskId, { task: after, version });
    assert.ok(isDefined(after));
    const { runId } = after.openRuns[0] as OpenRun;
    const current = await handlers.open({ epoch: 11 });
    const refused = { type: "SCHEDULER_FENCED", retryable: true };
    await assert.rejects(former.commandHandler.handle(pause(taskId)), refused);
    await assert.rejects(former.commandHandler.handle(create(objectId())), refused);
    await assert.rejects(
      former.commandHandler.handle(resume(taskId)),
      refused,
      "it returns nothing from memory",
    );
    await assert.rejects(former.commandHandler.endRun({ taskId, runId }), refused);
    const unknown = { taskId, runId: objectId() };
    await assert.rejects(former.commandHandler.endRun(unknown), refused);
    assert.ok(former.seen.fenced.every((epoch) => epoch === 10) && former.seen.fenced.length > 0);
    assert.equal((await handlers.stored(taskId)).length, 2);
    await current.commandHandler.endRun({ taskId, runId });
    assert.equal((await current.commandHandler.handle(pause(taskId))).changed, true);
  });

  it("commits nothing that was under way when the other took over, and does not delay it", async () => {
    const former = await handlers.open({ epoch: 20 });
    await former.commandHandler.handle(create(objectId()));
    const fence = mongoFence(handlers.client.db("kinit"), silentLog);
    const begun = Promise.withResolvers<void>();
    const thawed = Promise.withResolvers<void>();
    const taskId = objectId();
    // As a process that is frozen within its transaction, after its last statement.
    const frozen = former.store.transact(async (transaction) => {
      await fence.hold(transaction, 20);
      transaction.append({
        stream: `task-${taskId}`,
        expectedVersion: 0,
        events: [{ type: "task.paused", data: { taskId, at: "2026-01-05T12:00:00.000Z" } }],
      });
      begun.resolve();
      await thawed.promise;
    });
    await begun.promise;
    // Resolves while the transaction is still open.
    await mongoFence(handlers.mongo.db, silentLog).raise(21, former.sessions());
    thawed.resolve();
    await assert.rejects(frozen, { type: "SCHEDULER_FENCED" });
    assert.deepEqual(await handlers.stored(taskId), []);
  });

  it("rejects commands while it has no lease", async () => {
    const { commandHandler } = await handlers.open({ epoch: 30 });
    commandHandler.close();
    await assert.rejects(commandHandler.handle(create(objectId())), { type: "SCHEDULER_FENCED" });
  });
});

describe("a transaction whose outcome is unknown", () => {
  it("is seen by the due loop once it is known, and nothing is decided on its task before", async () => {
    const { commandHandler, seen } = await handlers.open({ epoch: 40, timeoutMs: 3000 });
    const taskId = objectId();
    await commandHandler.handle(create(objectId()));
    handlers.proxy.freeze();
    const refused = assert.rejects(commandHandler.handle(create(taskId)), { type: "STORE_UNAVAILABLE" });
    await refused;
    const next = commandHandler.handle(pause(taskId));
    handlers.proxy.restore();
    const outcome = await next.then(
      ({ before }) => before.status,
      (error: { type: string }) => error.type,
    );
    const events = await handlers.stored(taskId);
    // Either way it is known: the task was there when it was paused, or it never comes to be.
    assert.equal(outcome, events.length > 0 ? "active" : "TASK_NOT_FOUND");
    await eventually(() => seen.moved.includes(taskId));
  });
});
