import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { fold } from "../../../shared/event-store/decider.ts";
import { task } from "./task.ts";
import { isDefined, MAX_OPEN_RUNS, verdictOn } from "./task-state.ts";
import {
  at,
  created,
  deleted,
  due,
  ended,
  every10s,
  finished,
  fire,
  inADate,
  iso,
  paused,
  story,
  taskId,
} from "./task-story.fixture.ts";

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

describe("stopping a task", () => {
  it("keeps it from firing", () => story(created(), paused(5)).when(fire(10)).thenNothing());
  it("twice is once", () =>
    story(created(), paused(5))
      .when({ type: "pause", taskId, now: at(6) })
      .thenNothing());
  it("accounts for what was due and not fired yet: it is missed", () => {
    story(created(), due(10, 20), ended(10))
      .when({ type: "pause", taskId, now: at(45) })
      .thenLike(
        {
          type: "task.skipped",
          data: {
            reason: "misfire",
            plannedAt: iso(20),
            lastPlannedAt: iso(40),
            count: 3,
            nextRunAt: iso(50),
          },
        },
        { type: "task.paused", data: { at: iso(45) } },
      );
    story(created(inADate))
      .when({ type: "pause", taskId, now: at(11) })
      .thenLike(
        { type: "task.skipped", data: { plannedAt: iso(10), count: 1, nextRunAt: null } },
        { type: "task.paused" },
      );
  });
  it("revokes what was dispatched ahead", () => {
    const state = fold(task, [created(), due(10, 20), paused(9)]);
    assert.equal(verdictOn(state, occurrenceId(taskId, at(10))), "revoked");
  });
  it("revokes also a run whose time had come: it may wait for a slot", () => {
    const state = fold(task, [created(), due(10, 20), paused(11)]);
    assert.equal(verdictOn(state, occurrenceId(taskId, at(10))), "revoked");
  });
  it("lets no later run overlap one that may have started before", () => {
    const resumed: TaskEvent = { type: "task.resumed", data: { taskId, nextRunAt: iso(20), at: iso(12) } };
    story(created(), due(10, 20), paused(11), resumed)
      .when(fire(20))
      .thenLike({ type: "task.skipped", data: { reason: "overlap", plannedAt: iso(20) } });
    story(created(), due(10, 20), paused(11), resumed, ended(10))
      .when(fire(20))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } });
  });
  it("revokes the runs of a paused task that was run by hand, once", () => {
    const byHand = [created(), paused(5), due(7, null)];
    story(...byHand)
      .when({ type: "pause", taskId, now: at(8) })
      .then(paused(8));
    story(...byHand, paused(8))
      .when({ type: "pause", taskId, now: at(9) })
      .thenNothing();
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
      .when({ type: "delete", taskId, now: at(1) })
      .thenThrows("TASK_ACTIVE"));
  it("ends its life", () => {
    story(created(), paused(1))
      .when({ type: "delete", taskId, now: at(2) })
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
  it("accounts for what was due and not fired yet, by the old definition", () =>
    story(created())
      .when({ type: "change", taskId, definition: every60s, isActive: true, now: at(25) })
      .thenLike(
        {
          type: "task.skipped",
          data: { reason: "misfire", expression: every10s.expression, plannedAt: iso(10), count: 2 },
        },
        { type: "task.changed", data: { nextRunAt: iso(85) } },
      ));
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

describe("a task whose definition is no longer valid", () => {
  const onMars = {
    ...every10s,
    strategy: "cron",
    expression: "0 * * * * ?",
    timezone: "Mars/Olympus",
  } as const;
  it("is paused: the one occurrence that was planned is skipped", () =>
    story(created(onMars))
      .when({ type: "pause", taskId, now: at(25) })
      .thenLike(
        {
          type: "task.skipped",
          data: { plannedAt: iso(10), lastPlannedAt: iso(10), count: 1, nextRunAt: null },
        },
        { type: "task.paused" },
      ));
  it("is changed to a valid one", () =>
    story(created(onMars))
      .when({ type: "change", taskId, definition: every10s, isActive: true, now: at(5) })
      .thenLike({ type: "task.changed", data: { nextRunAt: iso(15) } }));
  it("is deleted", () =>
    story(created(onMars), paused(1))
      .when({ type: "delete", taskId, now: at(2) })
      .then(deleted(2)));
  it("is not resumed", () =>
    story(created(onMars), paused(1))
      .when({ type: "resume", taskId, now: at(2) })
      .thenThrows("TRIGGER_INVALID"));
});

describe("an occurrence that was skipped", () => {
  const cron = { ...every10s, strategy: "cron", expression: "*/10 * * * * ?" } as const;
  const skipped = (plannedAt: number, next: number): TaskEvent => ({
    type: "task.skipped",
    data: {
      taskId,
      skipId: occurrenceId(taskId, at(plannedAt)),
      reason: "overlap",
      plannedAt: iso(plannedAt),
      lastPlannedAt: iso(plannedAt),
      count: 1,
      name: "greet",
      group: "demo",
      handler: "test.main.Test",
      params: {},
      strategy: "cron",
      expression: cron.expression,
      nextRunAt: iso(next),
      at: iso(plannedAt),
    },
  });

  it("is not planned again by a change or a start in its millisecond, or with a clock set back", () => {
    for (const now of [at(10), at(8)]) {
      story(created(cron), skipped(10, 20))
        .when({ type: "change", taskId, definition: { ...cron, remark: "new" }, isActive: true, now })
        .thenLike({ type: "task.changed", data: { nextRunAt: iso(20) } });
      story(created(cron), skipped(10, 20), paused(10))
        .when({ type: "resume", taskId, now })
        .thenLike({ type: "task.resumed", data: { nextRunAt: iso(20) } });
    }
  });
  it("is not planned again where the change itself skips it", () =>
    story(created(cron))
      .when({ type: "change", taskId, definition: { ...cron, remark: "new" }, isActive: true, now: at(10) })
      .thenLike(
        { type: "task.skipped", data: { plannedAt: iso(10) } },
        { type: "task.changed", data: { nextRunAt: iso(20) } },
      ));
  it("of a task with one instant runs as an occurrence of its own when the task is started again", () =>
    story(created(inADate), skipped(10, 10), paused(10))
      .when({ type: "resume", taskId, now: at(10) })
      .thenLike({ type: "task.resumed", data: { nextRunAt: iso(10.001) } }));
});

describe("a task with very many open runs", () => {
  const allowed = { ...every10s, overlap: "allow" } as const;
  const full = [
    created(allowed),
    ...Array.from({ length: MAX_OPEN_RUNS }, (_, n) => due(10 * (n + 1), 10 * (n + 2))),
  ];
  const next = 10 * (MAX_OPEN_RUNS + 1);

  it("skips further occurrences as overlaps", () =>
    story(...full)
      .when(fire(next))
      .thenLike({ type: "task.skipped", data: { reason: "overlap", plannedAt: iso(next) } }));
  it("waits for an end, or for the planned time, before it skips", () => {
    story(...full)
      .when(fire(next - 1, 1500))
      .thenNothing();
    story(...full, ended(10))
      .when(fire(next - 1, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(next) } });
  });
  it("dispatches of the missed ones as many as there is room for", () =>
    story(
      ...full
        .slice(0, -2)
        .concat(created({ ...allowed, misfire: "fire_all" }))
        .slice(-1),
      ...full.slice(1, -1),
    )
      .when(fire(next + 20))
      .thenLike(
        { type: "task.due" },
        { type: "task.skipped" },
        { type: "task.skipped" },
        { type: "task.skipped" },
      ));
  it("refuses to be run by hand", () =>
    story(...full)
      .when({ type: "runNow", taskId, runId: "66f2a1c00a1b2c3d4e5f6079", now: at(next) })
      .thenThrows("TASK_TOO_MANY_RUNS"));
});

describe("running a task by hand", () => {
  it("orders a run now and leaves the plan as it is", () =>
    story(created())
      .when({ type: "runNow", taskId, runId: "66f2a1c00a1b2c3d4e5f6079", now: at(3) })
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
