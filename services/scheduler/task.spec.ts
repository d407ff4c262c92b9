import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { occurrenceId } from "../../shared/contracts/occurrence-id.ts";
import type { RunEnded } from "../../shared/contracts/run-events.ts";
import { exampleDefinition } from "../../shared/contracts/task-definition.ts";
import type { TaskEvent } from "../../shared/contracts/task-events.ts";
import { fold } from "../../shared/event-store/decider.ts";
import { given } from "../../test/given.ts";
import type { Definition } from "./definition.ts";
import { type TaskCommand, task } from "./task.ts";
import { MAX_STEPS } from "./task-fire.ts";
import { isDefined, verdictOn } from "./task-state.ts";

const taskId = "66f2a1b00a1b2c3d4e5f6070";
const noon = Date.parse("2026-01-05T12:00:00.000Z");
const at = (seconds: number) => noon + seconds * 1000;
const iso = (seconds: number) => new Date(at(seconds)).toISOString();

const every10s: Definition = exampleDefinition;
const once: Definition = { ...exampleDefinition, strategy: "once", expression: null };
const inADate: Definition = { ...exampleDefinition, strategy: "date", expression: "2026-01-05 20:00:10" };

const created = (definition: Definition = every10s, nextRunAt: string | null = iso(10)): TaskEvent => ({
  type: "task.created",
  data: { taskId, ...definition, isActive: nextRunAt !== null, nextRunAt, at: iso(0) },
});
const due = (plannedAt: number, nextRunAt: number | null): TaskEvent => ({
  type: "task.due",
  data: {
    taskId,
    runId: occurrenceId(taskId, at(plannedAt)),
    attempt: 1,
    plannedAt: iso(plannedAt),
    name: "greet",
    group: "demo",
    handler: "test.main.Test",
    params: { name: "kinit", age: 3 },
    strategy: "interval",
    expression: "10 * * * *",
    timeoutMs: null,
    nextRunAt: nextRunAt === null ? null : iso(nextRunAt),
    at: iso(plannedAt),
  },
});
const ended = (plannedAt: number): RunEnded => ({
  type: "run.succeeded",
  data: {
    taskId,
    runId: occurrenceId(taskId, at(plannedAt)),
    attempt: 1,
    delivery: 1,
    executor: "executor-1",
    plannedAt: iso(plannedAt),
    startedAt: iso(plannedAt),
    endedAt: iso(plannedAt + 1),
    result: null,
  },
});
const paused = (seconds: number): TaskEvent => ({ type: "task.paused", data: { taskId, at: iso(seconds) } });
const deleted = (seconds: number): TaskEvent => ({
  type: "task.deleted",
  data: { taskId, at: iso(seconds) },
});
const finished: TaskEvent = { type: "task.finished", data: { taskId, at: iso(10) } };

const fire = (seconds: number, aheadMs = 0): TaskCommand => ({
  type: "fire",
  taskId,
  now: at(seconds),
  aheadMs,
  limit: 10_000,
});
const story = given<ReturnType<typeof task.evolve>, TaskCommand, TaskEvent, RunEnded | TaskEvent>(task);

describe("creating a task", () => {
  it("plans the first occurrence", () =>
    story()
      .when({ type: "create", taskId, definition: every10s, isActive: true, now: at(0) })
      .then(created()));
  it("inactive, plans none", () =>
    story()
      .when({ type: "create", taskId, definition: every10s, isActive: false, now: at(0) })
      .thenLike({ type: "task.created", data: { isActive: false, nextRunAt: null } }));
  it("twice is one task", () =>
    story(created())
      .when({ type: "create", taskId, definition: every10s, isActive: true, now: at(1) })
      .thenNothing());
  it("refuses an expression that means nothing", () =>
    story()
      .when({
        type: "create",
        taskId,
        definition: { ...every10s, expression: "x" },
        isActive: true,
        now: at(0),
      })
      .thenThrows("TRIGGER_INVALID"));
  it("refuses a window that has passed: it could never fire", () =>
    story()
      .when({
        type: "create",
        taskId,
        definition: { ...every10s, endAt: iso(-1) },
        isActive: true,
        now: at(0),
      })
      .thenThrows("TRIGGER_INVALID"));
});

describe("an occurrence that is due", () => {
  it("fires, under an id that only its task and its planned time decide", () =>
    story(created())
      .when(fire(10))
      .thenLike({
        type: "task.due",
        data: { runId: occurrenceId(taskId, at(10)), plannedAt: iso(10), nextRunAt: iso(20) },
      }));
  it("does not fire early", () => story(created()).when(fire(9.999)).thenNothing());
  it("is dispatched ahead of its time where nothing of the task runs", () =>
    story(created())
      .when(fire(9, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(10), at: iso(9) } }));
  it("is not dispatched ahead while an earlier one runs", () =>
    story(created(), due(10, 20)).when(fire(19, 1500)).thenNothing());
  it("is dispatched ahead once the earlier one has ended", () =>
    story(created(), due(10, 20), ended(10))
      .when(fire(19, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } }));
  it("is skipped at its time where an earlier one still runs, and says so", () =>
    story(created(), due(10, 20))
      .when(fire(20))
      .thenLike({
        type: "task.skipped",
        data: { reason: "overlap", plannedAt: iso(20), lastPlannedAt: iso(20), count: 1, nextRunAt: iso(30) },
      }));
  it("fires beside an earlier one where overlap is allowed", () => {
    const allowed = { ...every10s, overlap: "allow" } as const;
    story(created(allowed), due(10, 20))
      .when(fire(19, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } });
  });
  it("fires as planned where its trigger knows the instant no more", () =>
    story(created(every10s, iso(7)))
      .when(fire(7))
      .thenLike({ type: "task.due", data: { plannedAt: iso(7), nextRunAt: iso(10) } }));
  it("is not held up by a run that was revoked: nobody will begin it", () => {
    const resumed: TaskEvent = { type: "task.resumed", data: { taskId, nextRunAt: iso(20), at: iso(9.5) } };
    story(created(), due(10, 20), paused(9), resumed)
      .when(fire(19, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } });
  });
  it("fires once: what has fired is not due again", () =>
    story(created(), due(10, 20)).when(fire(10)).thenNothing());
});

describe("occurrences that were missed", () => {
  const afterAMinute = fire(65);
  it("fire once: the latest fires, the others are one skip that counts them", () =>
    story(created())
      .when(afterAMinute)
      .thenLike(
        {
          type: "task.skipped",
          data: { reason: "coalesced", plannedAt: iso(10), lastPlannedAt: iso(50), count: 5 },
        },
        { type: "task.due", data: { plannedAt: iso(60), nextRunAt: iso(70) } },
      ));
  it("are skipped by policy, each counted", () =>
    story(created({ ...every10s, misfire: "skip" }))
      .when(afterAMinute)
      .thenLike({
        type: "task.skipped",
        data: { reason: "misfire", plannedAt: iso(10), lastPlannedAt: iso(60), count: 6 },
      }));
  it("all fire by policy", () =>
    story(created({ ...every10s, misfire: "fire_all", overlap: "allow" }))
      .when(fire(30))
      .thenLike({ type: "task.due" }, { type: "task.due" }, { type: "task.due" }));
  it("all fire by policy, a few at a time: the others are left for the next decision", () => {
    const all = { ...every10s, misfire: "fire_all", overlap: "allow" } as const;
    const firsts = Array.from({ length: MAX_STEPS }, () => ({ type: "task.due" }));
    story(created(all))
      .when(fire(86_400))
      .thenLike(...firsts);
    const decided = task.decide(fire(86_400), fold(task, [created(all)]));
    assert.partialDeepStrictEqual(decided.at(-1)?.data, { nextRunAt: iso(10 * (MAX_STEPS + 1)) });
  });
  it("a late one within the grace time is on time", () =>
    story(created({ ...every10s, misfire: "skip" }))
      .when(fire(10.9))
      .thenLike({ type: "task.due", data: { plannedAt: iso(10) } }));
});

describe("a task without a further occurrence", () => {
  it("finishes with its last one", () =>
    story(created(once, iso(0)))
      .when(fire(0))
      .thenLike({ type: "task.due", data: { nextRunAt: null } }, { type: "task.finished" }));
  it("finishes at the end of its window", () =>
    story(created({ ...every10s, endAt: iso(15) }))
      .when(fire(10))
      .thenLike({ type: "task.due", data: { nextRunAt: null } }, { type: "task.finished" }));
  it("is not active any more, and can be deleted", () =>
    story(created(once, iso(0)), due(0, null), finished, ended(0))
      .when({ type: "remove", taskId, now: at(60) })
      .then(deleted(60)));
  it("runs again when it is started again", () =>
    story(created(once, iso(0)), due(0, null), finished, ended(0))
      .when({ type: "resume", taskId, now: at(60) })
      .then({ type: "task.resumed", data: { taskId, nextRunAt: iso(60), at: iso(60) } }));
});

describe("a task with one instant that is out already", () => {
  const before = [created(inADate), due(10, null), finished];
  it("runs again where it was stopped and is started again in time", () =>
    story(...before, paused(9))
      .when({ type: "resume", taskId, now: at(9.5) })
      .thenLike({ type: "task.resumed", data: { nextRunAt: iso(10.001) } }));
  it("then runs as a run of its own", () =>
    story(...before, paused(9), {
      type: "task.resumed",
      data: { taskId, nextRunAt: iso(10.001), at: iso(9.5) },
    })
      .when(fire(9.5, 1500))
      .thenLike(
        { type: "task.due", data: { plannedAt: iso(10.001), runId: occurrenceId(taskId, at(10.001)) } },
        { type: "task.finished" },
      ));
  it("is finished where it is changed: that run is the old definition's", () =>
    story(...before)
      .when({ type: "change", taskId, definition: { ...inADate, remark: "new" }, isActive: true, now: at(9) })
      .thenLike({ type: "task.changed", data: { nextRunAt: null } }, { type: "task.finished" }));
  it("goes on where it is changed to a later one", () => {
    const later = { ...inADate, expression: "2026-01-05 20:00:20" };
    story(...before)
      .when({ type: "change", taskId, definition: later, isActive: true, now: at(9) })
      .thenLike({ type: "task.changed", data: { nextRunAt: iso(20) } });
  });
});

describe("stopping a task", () => {
  it("keeps it from firing", () => story(created(), paused(5)).when(fire(10)).thenNothing());
  it("twice is once", () =>
    story(created(), paused(5))
      .when({ type: "pause", taskId, now: at(6) })
      .thenNothing());
  it("revokes what was dispatched ahead", () => {
    const state = fold(task, [created(), due(10, 20), paused(9)]);
    assert.equal(verdictOn(state, occurrenceId(taskId, at(10))), "revoked");
  });
  it("leaves a run alone whose time had come", () => {
    const state = fold(task, [created(), due(10, 20), paused(11)]);
    assert.equal(verdictOn(state, occurrenceId(taskId, at(10))), "wanted");
  });
  it("works for a last occurrence that was dispatched ahead, though the task is finished", () =>
    story(created(inADate), due(10, null), finished)
      .when({ type: "pause", taskId, now: at(9) })
      .then(paused(9)));
  it("of a task that nobody knows is refused", () =>
    story()
      .when({ type: "pause", taskId, now: at(0) })
      .thenThrows("TASK_NOT_FOUND"));
});

describe("starting a task", () => {
  it("goes on from now: what lay between is not made up for", () =>
    story(created(), paused(5))
      .when({ type: "resume", taskId, now: at(100) })
      .then({ type: "task.resumed", data: { taskId, nextRunAt: iso(110), at: iso(100) } }));
  it("twice is once", () =>
    story(created())
      .when({ type: "resume", taskId, now: at(6) })
      .thenNothing());
});

describe("deleting a task", () => {
  it("is refused while it is active", () =>
    story(created())
      .when({ type: "remove", taskId, now: at(1) })
      .thenThrows("TASK_ACTIVE"));
  it("ends its life", () => {
    story(created(), paused(1))
      .when({ type: "remove", taskId, now: at(2) })
      .then(deleted(2));
    story(created(), paused(1), deleted(2))
      .when({ type: "resume", taskId, now: at(3) })
      .thenThrows("TASK_NOT_FOUND");
    story(created(), paused(1), deleted(2)).when(fire(10)).thenNothing();
  });
  it("still knows which of its runs may begin", () => {
    const state = fold(task, [created(), due(10, 20), paused(9), deleted(9.5)]);
    assert.equal(verdictOn(state, occurrenceId(taskId, at(10))), "revoked");
  });
});

describe("changing a task", () => {
  const every60s = { ...every10s, expression: "0 1 * * *" };
  it("plans anew from now", () =>
    story(created())
      .when({ type: "change", taskId, definition: every60s, isActive: true, now: at(5) })
      .thenLike({ type: "task.changed", data: { expression: "0 1 * * *", nextRunAt: iso(65) } }));
  it("never fires the instant again that was dispatched ahead", () => {
    const cron = { ...every10s, strategy: "cron", expression: "*/10 * * * * ?" } as const;
    story(created(cron), due(10, 20))
      .when({ type: "change", taskId, definition: { ...cron, remark: "new" }, isActive: true, now: at(9) })
      .thenLike({ type: "task.changed", data: { nextRunAt: iso(20) } });
  });
  it("refuses a bad definition and keeps the old one", () =>
    story(created())
      .when({
        type: "change",
        taskId,
        definition: { ...every10s, expression: "no" },
        isActive: true,
        now: at(5),
      })
      .thenThrows("TRIGGER_INVALID"));
});

describe("running a task by hand", () => {
  it("orders a run now and leaves the plan as it is", () =>
    story(created())
      .when({ type: "run", taskId, runId: "66f2a1c00a1b2c3d4e5f6079", now: at(3) })
      .thenLike({
        type: "task.due",
        data: { runId: "66f2a1c00a1b2c3d4e5f6079", plannedAt: iso(3), nextRunAt: iso(10) },
      }));
});

describe("the end of a run", () => {
  it("told twice changes nothing, not even the object", () => {
    const state = fold(task, [created(), due(10, 20), ended(10)]);
    assert.equal(task.evolve(state, ended(10)), state);
    assert.ok(isDefined(state) && state.running.length === 0);
  });
});
