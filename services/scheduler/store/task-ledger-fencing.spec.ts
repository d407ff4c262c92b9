import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CommandRef } from "../../../shared/contracts/command.ts";
import { objectId } from "../../../shared/ids.ts";
import { eventually } from "../../../test/eventually.ts";
import { silentLog } from "../../../test/silent-log.ts";
import { endOf } from "../dispatch/active-scheduler.ts";
import { mongoFence } from "../leadership/mongo-fence.ts";
import { type ActiveRun, isDefined } from "../task/task-state.ts";
import { create, Ledgers, pause, remove, resume, run } from "./task-ledger.fixture.ts";

const inTime = (): CommandRef => ({ id: objectId(), deadline: Date.now() + 60_000 });

let ledgers: Ledgers;
before(async () => {
  ledgers = await Ledgers.start();
});
after(() => ledgers?.close());

describe("a command that comes again", () => {
  it("has no effect and its first outcome, also after others and at another scheduler", async () => {
    const first = await ledgers.open({ epoch: 1 });
    const taskId = objectId();
    await first.ledger.handle(create(taskId));
    await first.ledger.handle(pause(taskId));
    const ref = inTime();
    assert.equal((await first.ledger.handle(resume(taskId), { ref })).changed, true);
    await first.ledger.handle(pause(taskId), { ref: inTime() });
    const again = await first.ledger.handle(resume(taskId), { ref });
    assert.deepEqual([again.changed, again.events], [true, []]);
    const second = await ledgers.open({ epoch: 2 });
    const elsewhere = await second.ledger.handle(resume(taskId), { ref });
    assert.deepEqual([elsewhere.changed, elsewhere.events], [true, []]);
    assert.equal(isDefined(elsewhere.after) && elsewhere.after.status, "paused");
  });

  it("is known also where it had nothing to change, and where it was refused", async () => {
    const { ledger } = await ledgers.open({ epoch: 2 });
    const taskId = objectId();
    await ledger.handle(create(taskId));
    const [idle, refused] = [inTime(), inTime()];
    assert.equal((await ledger.handle(resume(taskId), { ref: idle })).changed, false);
    await assert.rejects(ledger.handle(remove(taskId), { ref: refused }), { type: "TASK_ACTIVE", code: 400 });
    await ledger.handle(pause(taskId));
    assert.equal((await ledger.handle(resume(taskId), { ref: idle })).changed, false);
    await assert.rejects(ledger.handle(remove(taskId), { ref: refused }), { type: "TASK_ACTIVE", code: 400 });
    const state = await ledger.state(taskId);
    assert.equal(isDefined(state) && state.status, "paused");
  });

  it("is decided once where both tries meet in one transaction", async () => {
    const { ledger } = await ledgers.open({ epoch: 2 });
    const taskId = objectId();
    await ledger.handle(create(taskId));
    const ref = inTime();
    const both = await Promise.all([1, 2].map(() => ledger.handle(run(taskId, 0), { ref })));
    assert.deepEqual(
      both.map(({ changed, events }) => [changed, events.length]),
      [
        [true, 1],
        [true, 0],
      ],
    );
  });

  it("leaves nothing in the log of commands where its task does not exist", async () => {
    const { ledger } = await ledgers.open({ epoch: 2 });
    const ref = inTime();
    await assert.rejects(ledger.handle(pause(objectId()), { ref }), { type: "TASK_NOT_FOUND" });
    assert.equal(
      await ledgers.mongo.db
        .collection<{ _id: string }>("scheduler_commands")
        .countDocuments({ _id: ref.id }),
      0,
    );
  });
});

describe("a command after its deadline", () => {
  it("is refused alone and changes nothing", async () => {
    const { ledger } = await ledgers.open({ epoch: 3 });
    const [late, timely] = [objectId(), objectId()];
    const ref = { id: objectId(), deadline: Date.now() - 1 };
    const [refused, made] = await Promise.allSettled([
      ledger.handle(create(late), { ref }),
      ledger.handle(create(timely), { ref: inTime() }),
    ]);
    assert.equal(refused.status === "rejected" && refused.reason.type, "COMMAND_LATE");
    assert.equal(made.status, "fulfilled");
    assert.deepEqual([(await ledgers.stored(late)).length, (await ledgers.stored(timely)).length], [0, 1]);
  });

  it("is refused also where it passes while the store is waited for", async () => {
    let now = Date.now();
    const { ledger } = await ledgers.open({ epoch: 3, clock: { now: () => now } });
    const taskId = objectId();
    ledgers.proxy.freeze();
    const call = ledger.handle(create(taskId), { ref: { id: objectId(), deadline: now + 10_000 } });
    await new Promise((resolve) => setImmediate(resolve));
    now += 20_000;
    ledgers.proxy.restore();
    await assert.rejects(call, { type: "COMMAND_LATE" });
    assert.deepEqual(await ledgers.stored(taskId), []);
  });
});

describe("a scheduler whose lease has moved", () => {
  it("changes nothing: not by commands, not by ends of runs, not by what it knows from memory", async () => {
    const former = await ledgers.open({ epoch: 10 });
    const taskId = objectId();
    await former.ledger.handle(create(taskId));
    const { after, version } = await former.ledger.handle(run(taskId, 1000));
    former.ledger.remember(taskId, { task: after, version });
    assert.ok(isDefined(after));
    const end = endOf(taskId, after.running[0] as ActiveRun);
    const current = await ledgers.open({ epoch: 11 });
    const refused = { type: "SCHEDULER_FENCED", retryable: true };
    await assert.rejects(former.ledger.handle(pause(taskId)), refused);
    await assert.rejects(former.ledger.handle(create(objectId())), refused);
    await assert.rejects(former.ledger.handle(resume(taskId)), refused, "it answers nothing from memory");
    await assert.rejects(former.ledger.observe(end), refused);
    const unknown = endOf(taskId, { runId: objectId(), attempt: 1, plannedAt: 0, isRevoked: false });
    await assert.rejects(former.ledger.observe(unknown), refused);
    assert.ok(former.seen.fenced.every((epoch) => epoch === 10) && former.seen.fenced.length > 0);
    assert.equal((await ledgers.stored(taskId)).length, 2);
    await current.ledger.observe(end);
    assert.equal((await current.ledger.handle(pause(taskId))).changed, true);
  });

  it("commits nothing that was under way when the other took over, which is not held up by it", async () => {
    const former = await ledgers.open({ epoch: 20 });
    await former.ledger.handle(create(objectId()));
    const fence = mongoFence(ledgers.client.db("kinit"), silentLog);
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
    await mongoFence(ledgers.mongo.db, silentLog).raise(21, former.sessions());
    thawed.resolve();
    await assert.rejects(frozen, { type: "SCHEDULER_FENCED" });
    assert.deepEqual(await ledgers.stored(taskId), []);
  });

  it("is refused while it holds no lease at all", async () => {
    const { ledger } = await ledgers.open({ epoch: 30 });
    ledger.close();
    await assert.rejects(ledger.handle(create(objectId())), { type: "SCHEDULER_FENCED" });
  });
});

describe("a transaction whose outcome is unknown", () => {
  it("is seen by the due loop once it is known, and nothing is decided on its task before", async () => {
    const { ledger, seen } = await ledgers.open({ epoch: 40, timeoutMs: 3000 });
    const taskId = objectId();
    await ledger.handle(create(objectId()));
    ledgers.proxy.freeze();
    const refused = assert.rejects(ledger.handle(create(taskId)), { type: "STORE_UNAVAILABLE" });
    await refused;
    const next = ledger.handle(pause(taskId));
    ledgers.proxy.restore();
    const outcome = await next.then(
      ({ before }) => before.status,
      (error: { type: string }) => error.type,
    );
    const events = await ledgers.stored(taskId);
    // Either way it is known: the task was there when it was paused, or it never comes to be.
    assert.equal(outcome, events.length > 0 ? "active" : "TASK_NOT_FOUND");
    await eventually(() => seen.moved.includes(taskId));
  });
});
