import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { fold } from "../../../shared/event-store/decider.ts";
import { task } from "./task.ts";
import { MAX_STEPS } from "./task-dispatch.ts";
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
  once,
  paused,
  runRemoved,
  story,
  taskId,
} from "./task-story.fixture.ts";

describe("an occurrence that is due", () => {
  it("is dispatched under an id that depends only on its task and its planned time", () =>
    story(created())
      .when(dispatchDue(10))
      .thenLike({
        type: "task.due",
        data: { runId: occurrenceId(taskId, at(10)), plannedAt: iso(10), nextRunAt: iso(20) },
      }));
  it("is not dispatched early", () => story(created()).when(dispatchDue(9.999)).thenNothing());
  it("is dispatched ahead of its time if no run of the task is open", () =>
    story(created())
      .when(dispatchDue(9, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(10), at: iso(9) } }));
  it("is not dispatched ahead while an earlier run is open", () =>
    story(created(), due(10, 20)).when(dispatchDue(19, 1500)).thenNothing());
  it("is dispatched ahead once the earlier run has ended", () =>
    story(created(), due(10, 20), runRemoved(10))
      .when(dispatchDue(19, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } }));
  it("is skipped as an overlap at its planned time if an earlier run is open", () =>
    story(created(), due(10, 20))
      .when(dispatchDue(20))
      .thenLike({
        type: "task.skipped",
        data: { reason: "overlap", plannedAt: iso(20), lastPlannedAt: iso(20), count: 1, nextRunAt: iso(30) },
      }));
  it("is dispatched while an earlier run is open if overlap is allowed", () => {
    const allowed = { ...every10s, overlap: "allow" } as const;
    story(created(allowed), due(10, 20))
      .when(dispatchDue(19, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } });
  });
  it("is dispatched as planned if its trigger no longer has that instant", () =>
    story(created(every10s, iso(7)))
      .when(dispatchDue(7))
      .thenLike({ type: "task.due", data: { plannedAt: iso(7), nextRunAt: iso(10) } }));
  it("does not wait for a run that was revoked before its time", () => {
    const resumed: TaskEvent = { type: "task.resumed", data: { taskId, nextRunAt: iso(20), at: iso(9.5) } };
    story(created(), due(10, 20), paused(9), resumed)
      .when(dispatchDue(19, 1500))
      .thenLike({ type: "task.due", data: { plannedAt: iso(20) } });
  });
  it("is dispatched once", () => story(created(), due(10, 20)).when(dispatchDue(10)).thenNothing());
});

describe("misfires", () => {
  const afterAMinute = dispatchDue(65);
  it("under fire_once: the latest is dispatched, and one skip counts the others", () =>
    story(created())
      .when(afterAMinute)
      .thenLike(
        {
          type: "task.skipped",
          data: { reason: "coalesced", plannedAt: iso(10), lastPlannedAt: iso(50), count: 5 },
        },
        { type: "task.due", data: { plannedAt: iso(60), nextRunAt: iso(70) } },
      ));
  it("under skip: one skip counts them all", () =>
    story(created({ ...every10s, misfire: "skip" }))
      .when(afterAMinute)
      .thenLike({
        type: "task.skipped",
        data: { reason: "misfire", plannedAt: iso(10), lastPlannedAt: iso(60), count: 6 },
      }));
  it("under fire_all: all are dispatched", () =>
    story(created({ ...every10s, misfire: "fire_all", overlap: "allow" }))
      .when(dispatchDue(30))
      .thenLike({ type: "task.due" }, { type: "task.due" }, { type: "task.due" }));
  it("under fire_all: a decision dispatches a limited number and leaves the others to the next one", () => {
    const all = { ...every10s, misfire: "fire_all", overlap: "allow" } as const;
    const firsts = Array.from({ length: MAX_STEPS }, () => ({ type: "task.due" }));
    story(created(all))
      .when(dispatchDue(86_400))
      .thenLike(...firsts);
    const decided = task.decide(dispatchDue(86_400), fold(task, [created(all)]));
    assert.partialDeepStrictEqual(decided.at(-1), { data: { nextRunAt: iso(10 * (MAX_STEPS + 1)) } });
  });
  it("do not include an occurrence that is late within the grace time", () =>
    story(created({ ...every10s, misfire: "skip" }))
      .when(dispatchDue(10.9))
      .thenLike({ type: "task.due", data: { plannedAt: iso(10) } }));
});

describe("a task without a further occurrence", () => {
  it("finishes with its last occurrence", () =>
    story(created(once, iso(0)))
      .when(dispatchDue(0))
      .thenLike({ type: "task.due", data: { nextRunAt: null } }, { type: "task.finished" }));
  it("finishes at the end of its window", () =>
    story(created({ ...every10s, endAt: iso(15) }))
      .when(dispatchDue(10))
      .thenLike({ type: "task.due", data: { nextRunAt: null } }, { type: "task.finished" }));
  it("is not active and can be deleted", () =>
    story(created(once, iso(0)), due(0, null), finished, runRemoved(0))
      .when({ type: "delete", taskId, now: at(60) })
      .then(deleted(60)));
  it("runs again when it is resumed", () =>
    story(created(once, iso(0)), due(0, null), finished, runRemoved(0))
      .when({ type: "resume", taskId, now: at(60) })
      .then({ type: "task.resumed", data: { taskId, nextRunAt: iso(60), at: iso(60) } }));
});

describe("a task whose only instant was dispatched", () => {
  const before = [created(inADate), due(10, null), finished];
  it("runs again if it was paused and is resumed in time", () =>
    story(...before, paused(9))
      .when({ type: "resume", taskId, now: at(9.5) })
      .thenLike({ type: "task.resumed", data: { nextRunAt: iso(10.001) } }));
  it("then dispatches a run with an id of its own", () =>
    story(...before, paused(9), {
      type: "task.resumed",
      data: { taskId, nextRunAt: iso(10.001), at: iso(9.5) },
    })
      .when(dispatchDue(9.5, 1500))
      .thenLike(
        { type: "task.due", data: { plannedAt: iso(10.001), runId: occurrenceId(taskId, at(10.001)) } },
        { type: "task.finished" },
      ));
  it("is finished by a change: that run belongs to the old definition", () =>
    story(...before)
      .when({ type: "change", taskId, definition: { ...inADate, remark: "new" }, isActive: true, now: at(9) })
      .thenLike({ type: "task.changed", data: { nextRunAt: null } }, { type: "task.finished" }));
  it("continues after a change to a later instant", () => {
    const later = { ...inADate, expression: "2026-01-05 20:00:20" };
    story(...before)
      .when({ type: "change", taskId, definition: later, isActive: true, now: at(9) })
      .thenLike({ type: "task.changed", data: { nextRunAt: iso(20) } });
  });
});
