import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { fold } from "../../../shared/event-store/decider.ts";
import { task } from "./task.ts";
import { MAX_STEPS } from "./task-fire.ts";
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
  once,
  paused,
  story,
  taskId,
} from "./task-story.fixture.ts";

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
    assert.partialDeepStrictEqual(decided.at(-1), { data: { nextRunAt: iso(10 * (MAX_STEPS + 1)) } });
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
      .when({ type: "delete", taskId, now: at(60) })
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
