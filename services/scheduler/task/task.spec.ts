import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import type { TaskDue, TaskEvent } from "../../../shared/contracts/task-events.ts";
import { fold } from "../../../shared/event-store/decider.ts";
import { type TaskCommand, task } from "./task.ts";
import type { RunWaits } from "./task-evolution.ts";
import { isWithdrawn, MAX_OPEN_RUNS, openRunsOf, verdictOn } from "./task-state.ts";
import {
  at,
  created,
  deleted,
  dispatchDue,
  due,
  every10s,
  finished,
  inADate,
  iso,
  paused,
  runRemoved,
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
  it("rejects an invalid expression", () =>
    story()
      .when({
        type: "create",
        taskId,
        definition: { ...every10s, expression: "x" },
        isActive: true,
        now: at(0),
      })
      .thenThrows("TRIGGER_INVALID"));
  it("rejects a window that has passed: the task would never be due", () =>
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

describe("pausing a task", () => {
  it("keeps its occurrences from being dispatched", () =>
    story(created(), paused(5)).when(dispatchDue(10)).thenNothing());
  it("twice has no further effect", () =>
    story(created(), paused(5))
      .when({ type: "pause", taskId, now: at(6) })
      .thenNothing());
  it("skips the occurrences that were due and not dispatched", () => {
    story(created(), due(10, 20), runRemoved(10))
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
  it("revokes a run that was dispatched ahead of its time", () => {
    const state = fold(task, [created(), due(10, 20), paused(9)]);
    assert.equal(verdictOn(state, occurrenceId(taskId, at(10))), "revoked");
  });
  it("revokes a run whose planned time had come: it may wait for a slot", () => {
    const state = fold(task, [created(), due(10, 20), paused(11)]);
    assert.equal(verdictOn(state, occurrenceId(taskId, at(10))), "revoked");
  });
  it("lets no later run overlap one that may have started", () => {
    const resumed: TaskEvent = { type: "task.resumed", data: { taskId, nextRunAt: iso(20), at: iso(12) } };
    story(created(), due(10, 20), paused(11), resumed)
      .when(dispatchDue(20))
      .thenLike({ type: "task.skipped", data: { reason: "overlap", plannedAt: iso(20) } });
    story(created(), due(10, 20), paused(11), resumed, runRemoved(10))
      .when(dispatchDue(20))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } });
  });
  it("revokes once the runs of a paused task that was run manually", () => {
    const byHand = [created(), paused(5), due(7, null)];
    story(...byHand)
      .when({ type: "pause", taskId, now: at(8) })
      .then(paused(8));
    story(...byHand, paused(8))
      .when({ type: "pause", taskId, now: at(9) })
      .thenNothing();
  });
  it("revokes the last run of a finished task", () =>
    story(created(inADate), due(10, null), finished)
      .when({ type: "pause", taskId, now: at(9) })
      .then(paused(9)));
  it("is rejected for an unknown task", () =>
    story()
      .when({ type: "pause", taskId, now: at(0) })
      .thenThrows("TASK_NOT_FOUND"));
});

describe("resuming a task", () => {
  it("plans from now on: occurrences in between are not caught up on", () =>
    story(created(), paused(5))
      .when({ type: "resume", taskId, now: at(100) })
      .then({ type: "task.resumed", data: { taskId, nextRunAt: iso(110), at: iso(100) } }));
  it("twice has no further effect", () =>
    story(created())
      .when({ type: "resume", taskId, now: at(6) })
      .thenNothing());
});

describe("deleting a task", () => {
  it("is rejected while the task is active", () =>
    story(created())
      .when({ type: "delete", taskId, now: at(1) })
      .thenThrows("TASK_ACTIVE"));
  it("ends its stream: later commands are rejected or do nothing", () => {
    story(created(), paused(1))
      .when({ type: "delete", taskId, now: at(2) })
      .then(deleted(2));
    story(created(), paused(1), deleted(2))
      .when({ type: "resume", taskId, now: at(3) })
      .thenThrows("TASK_NOT_FOUND");
    story(created(), paused(1), deleted(2)).when(dispatchDue(10)).thenNothing();
  });
  it("keeps the verdicts on its runs", () => {
    const state = fold(task, [created(), due(10, 20), paused(9), deleted(9.5)]);
    assert.equal(verdictOn(state, occurrenceId(taskId, at(10))), "revoked");
  });
});

describe("changing a task", () => {
  const every60s = { ...every10s, expression: "0 1 * * *" };
  it("plans from now on", () =>
    story(created())
      .when({ type: "change", taskId, definition: every60s, isActive: true, now: at(5) })
      .thenLike({ type: "task.changed", data: { expression: "0 1 * * *", nextRunAt: iso(65) } }));
  it("skips the occurrences that were due under the old definition", () =>
    story(created())
      .when({ type: "change", taskId, definition: every60s, isActive: true, now: at(25) })
      .thenLike(
        {
          type: "task.skipped",
          data: { reason: "misfire", expression: every10s.expression, plannedAt: iso(10), count: 2 },
        },
        { type: "task.changed", data: { nextRunAt: iso(85) } },
      ));
  it("does not dispatch an instant again that was dispatched ahead of its time", () => {
    const cron = { ...every10s, strategy: "cron", expression: "*/10 * * * * ?" } as const;
    story(created(cron), due(10, 20))
      .when({ type: "change", taskId, definition: { ...cron, remark: "new" }, isActive: true, now: at(9) })
      .thenLike({ type: "task.changed", data: { nextRunAt: iso(20) } });
  });
  it("rejects an invalid definition", () =>
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
  it("can be paused: its planned occurrence is skipped", () =>
    story(created(onMars))
      .when({ type: "pause", taskId, now: at(25) })
      .thenLike(
        {
          type: "task.skipped",
          data: { plannedAt: iso(10), lastPlannedAt: iso(10), count: 1, nextRunAt: null },
        },
        { type: "task.paused" },
      ));
  it("can be changed to a valid one", () =>
    story(created(onMars))
      .when({ type: "change", taskId, definition: every10s, isActive: true, now: at(5) })
      .thenLike({ type: "task.changed", data: { nextRunAt: iso(15) } }));
  it("can be deleted", () =>
    story(created(onMars), paused(1))
      .when({ type: "delete", taskId, now: at(2) })
      .then(deleted(2)));
  it("cannot be resumed", () =>
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

  it("is not planned again by a change or a resume in the same millisecond, or after the clock was set back", () => {
    for (const now of [at(10), at(8)]) {
      story(created(cron), skipped(10, 20))
        .when({ type: "change", taskId, definition: { ...cron, remark: "new" }, isActive: true, now })
        .thenLike({ type: "task.changed", data: { nextRunAt: iso(20) } });
      story(created(cron), skipped(10, 20), paused(10))
        .when({ type: "resume", taskId, now })
        .thenLike({ type: "task.resumed", data: { nextRunAt: iso(20) } });
    }
  });
  it("is not planned again by the change that skips it", () =>
    story(created(cron))
      .when({ type: "change", taskId, definition: { ...cron, remark: "new" }, isActive: true, now: at(10) })
      .thenLike(
        { type: "task.skipped", data: { plannedAt: iso(10) } },
        { type: "task.changed", data: { nextRunAt: iso(20) } },
      ));
  it("gets a new occurrence if its task has only one instant and is resumed", () =>
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
      .when(dispatchDue(next))
      .thenLike({ type: "task.skipped", data: { reason: "overlap", plannedAt: iso(next) } }));
  it("waits for the end of a run, or for the planned time, before it skips", () => {
    story(...full)
      .when(dispatchDue(next - 1, 1500))
      .thenNothing();
    story(...full, runRemoved(10))
      .when(dispatchDue(next - 1, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(next) } });
  });
  it("dispatches as many misfires as its limit allows", () =>
    story(
      ...full
        .slice(0, -2)
        .concat(created({ ...allowed, misfire: "fire_all" }))
        .slice(-1),
      ...full.slice(1, -1),
    )
      .when(dispatchDue(next + 20))
      .thenLike(
        { type: "task.due" },
        { type: "task.skipped" },
        { type: "task.skipped" },
        { type: "task.skipped" },
      ));
  it("rejects manual runs", () =>
    story(...full)
      .when({ type: "runNow", taskId, runId: "66f2a1c00a1b2c3d4e5f6079", now: at(next) })
      .thenThrows("TASK_TOO_MANY_RUNS"));
});

describe("running a task now", () => {
  it("dispatches a run and keeps the next planned time", () =>
    story(created())
      .when({ type: "runNow", taskId, runId: "66f2a1c00a1b2c3d4e5f6079", now: at(3) })
      .thenLike({
        type: "task.due",
        data: { runId: "66f2a1c00a1b2c3d4e5f6079", plannedAt: iso(3), nextRunAt: iso(10) },
      }));
});

describe("the end of a run", () => {
  const endRun = { type: "endRun", taskId, runId: occurrenceId(taskId, at(10)) } as const;
  it("removes it from the open runs, also of a deleted task", () => {
    story(created(), due(10, 20)).when(endRun).then(runRemoved(10));
    story(created(), due(10, 20), paused(11), deleted(12)).when(endRun).then(runRemoved(10));
    const state = fold(task, [created(), due(10, 20), due(20, 30), runRemoved(10)]);
    assert.deepEqual(
      openRunsOf(state).map(({ runId }) => runId),
      [occurrenceId(taskId, at(20))],
    );
  });
  it("twice, or of an unknown task, has no effect: the state stays the same object", () => {
    story(created(), due(10, 20), runRemoved(10)).when(endRun).thenNothing();
    story().when(endRun).thenNothing();
    const state = fold(task, [created(), due(10, 20), runRemoved(10)]);
    assert.equal(task.evolve(state, runRemoved(10)), state);
  });
});

describe("cancelling a run", () => {
  const runId = occurrenceId(taskId, at(10));
  const cancelRun = (seconds: number): TaskCommand => ({
    type: "cancelRun",
    taskId,
    runId,
    by: "admin",
    now: at(seconds),
  });
  const cancelled = (seconds: number): TaskEvent => ({
    type: "task.run_cancelled",
    data: { taskId, runId, requestedBy: "admin", at: iso(seconds) },
  });

  it("records who cancelled it and when, whether or not its time has come", () => {
    story(created(), due(10, 20)).when(cancelRun(9)).then(cancelled(9));
    story(created(), due(10, 20)).when(cancelRun(11)).then(cancelled(11));
    story(created(), due(10, 20), paused(12)).when(cancelRun(13)).then(cancelled(13));
  });
  it("twice has no further effect", () =>
    story(created(), due(10, 20), cancelled(11)).when(cancelRun(12)).thenNothing());
  it("that has ended changes nothing", () =>
    story(created(), due(10, 20), runRemoved(10)).when(cancelRun(12)).thenNothing());
  it("fails if there is no such task", () =>
    story(created(), paused(5), deleted(6)).when(cancelRun(7)).thenThrows("TASK_NOT_FOUND"));
  it("keeps it from starting", () => {
    const state = fold(task, [created(), due(10, 20), cancelled(11)]);
    assert.equal(verdictOn(state, runId), "revoked");
  });
  it("before its time lets the next occurrence be dispatched; afterwards that waits for its end", () => {
    story(created(), due(10, 20), cancelled(9))
      .when(dispatchDue(20))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } });
    story(created(), due(10, 20), cancelled(11))
      .when(dispatchDue(20))
      .thenLike({ type: "task.skipped", data: { reason: "overlap", plannedAt: iso(20) } });
    story(created(), due(10, 20), cancelled(11), runRemoved(10))
      .when(dispatchDue(20))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } });
  });
});

describe("a run whose attempt failed and is to be retried", () => {
  const runId = occurrenceId(taskId, at(10));
  const retry = { limit: 2, backoff: "fixed", delayMs: 30_000, maxDelayMs: 30_000 } as const;
  const definition = { ...every10s, retryLimit: 2, retryBackoff: "fixed", retryDelayMs: 30_000 } as const;
  const first = due(10, 20) as TaskDue;
  const dispatched: TaskEvent = { ...first, data: { ...first.data, retry } };
  const history = [created(definition), dispatched];
  const waits = (attempt = 1, seconds = 40): RunWaits => ({
    type: "runWaits",
    runId,
    attempt,
    retryAt: at(seconds),
  });
  const awaitRetry = (attempt: number): TaskCommand => ({
    type: "awaitRetry",
    taskId,
    runId,
    attempt,
    retryAt: at(40),
  });
  const dispatchRetry = (seconds: number): TaskCommand => ({
    type: "dispatchRetry",
    taskId,
    runId,
    previous: dispatched.data as TaskDue["data"],
    now: at(seconds),
  });
  const second: TaskEvent = {
    type: "task.due",
    data: { ...dispatched.data, attempt: 2, at: iso(40) } as TaskDue["data"],
  };

  it("waits, once for each attempt", () => {
    story(...history)
      .when(awaitRetry(1))
      .then(waits());
    story(...history, waits())
      .when(awaitRetry(1))
      .thenNothing();
    story(...history, waits(), second)
      .when(awaitRetry(1))
      .thenNothing();
    story(...history, waits(), second)
      .when(awaitRetry(2))
      .then(waits(2));
    story(...history, runRemoved(10))
      .when(awaitRetry(1))
      .thenNothing();
  });
  it("is dispatched again when its retry is due, with the next number and everything else as before", () => {
    story(...history, waits())
      .when(dispatchRetry(40))
      .then(second);
    story(...history, waits())
      .when(dispatchRetry(39))
      .thenNothing();
    story(...history, waits(), second)
      .when(dispatchRetry(41))
      .thenNothing();
    story(...history)
      .when(dispatchRetry(41))
      .thenNothing();
  });
  it("stays open meanwhile: no other run overlaps it", () => {
    story(...history, waits())
      .when(dispatchDue(20))
      .thenLike({ type: "task.skipped", data: { reason: "overlap", plannedAt: iso(20) } });
    const state = fold(task, [...history, waits(), second]);
    assert.deepEqual(
      openRunsOf(state).map(({ attempt }) => attempt),
      [2],
    );
  });
  it("starts no attempt that has ended", () => {
    const waiting = fold(task, [...history, waits()]);
    assert.deepEqual([verdictOn(waiting, runId, 1), verdictOn(waiting, runId, 2)], ["ended", "wanted"]);
    const again = fold(task, [...history, waits(), second]);
    assert.deepEqual([verdictOn(again, runId, 1), verdictOn(again, runId, 2)], ["ended", "wanted"]);
  });
  it("is not dispatched after its task was paused, changed or deleted, or it was cancelled", () => {
    const changed: TaskEvent = {
      type: "task.changed",
      data: { taskId, ...definition, isActive: true, nextRunAt: iso(20), at: iso(15) },
    };
    const cancelled: TaskEvent = {
      type: "task.run_cancelled",
      data: { taskId, runId, requestedBy: null, at: iso(15) },
    };
    for (const event of [paused(15), changed, cancelled]) {
      story(...history, waits(), event)
        .when(dispatchRetry(40))
        .thenNothing();
      story(...history, event, waits())
        .when(dispatchRetry(40))
        .thenNothing();
      const [run] = openRunsOf(fold(task, [...history, event, waits()]));
      assert.equal(run && isWithdrawn(run), true, event.type);
    }
    story(...history, waits(), paused(15), deleted(16))
      .when(dispatchRetry(40))
      .thenNothing();
  });
  it("carries its policy in the dispatch, and none if the task has no retries", () => {
    story(created(definition))
      .when(dispatchDue(10))
      .thenLike({
        type: "task.due",
        data: { retry: { limit: 2, backoff: "fixed", delayMs: 30_000, maxDelayMs: 3_600_000 } },
      });
    const [plain] = task.decide(dispatchDue(10), fold(task, [created()]));
    assert.ok(plain?.type === "task.due" && !("retry" in plain.data));
  });
});
