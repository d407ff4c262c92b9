import { occurrenceId } from "../../../shared/contracts/occurrence-id.ts";
import { exampleDefinition } from "../../../shared/contracts/task-definition.ts";
import type { TaskEvent } from "../../../shared/contracts/task-events.ts";
import { given } from "../../../test/given.ts";
import type { Definition } from "./definition.ts";
import { type TaskCommand, task } from "./task.ts";
import type { RunRemoved } from "./task-evolution.ts";

export const taskId = "66f2a1b00a1b2c3d4e5f6070";
export const noon = Date.parse("2026-01-05T12:00:00.000Z");
/** Instants of a story are given in seconds after noon. */
export const at = (seconds: number) => noon + seconds * 1000;
export const iso = (seconds: number) => new Date(at(seconds)).toISOString();

export const every10s: Definition = exampleDefinition;
export const once: Definition = { ...exampleDefinition, strategy: "once", expression: null };
export const inADate: Definition = {
  ...exampleDefinition,
  strategy: "date",
  expression: "2026-01-05 20:00:10",
};

export const created = (
  definition: Definition = every10s,
  nextRunAt: string | null = iso(10),
): TaskEvent => ({
  type: "task.created",
  data: { taskId, ...definition, isActive: nextRunAt !== null, nextRunAt, at: iso(0) },
});
export const due = (plannedAt: number, nextRunAt: number | null): TaskEvent => ({
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
export const runRemoved = (plannedAt: number): RunRemoved => ({
  type: "runRemoved",
  runId: occurrenceId(taskId, at(plannedAt)),
});
export const paused = (seconds: number): TaskEvent => ({
  type: "task.paused",
  data: { taskId, at: iso(seconds) },
});
export const deleted = (seconds: number): TaskEvent => ({
  type: "task.deleted",
  data: { taskId, at: iso(seconds) },
});
export const finished: TaskEvent = { type: "task.finished", data: { taskId, at: iso(10) } };

export const dispatchDue = (seconds: number, aheadMs = 0): TaskCommand => ({
  type: "dispatchDue",
  taskId,
  now: at(seconds),
  aheadMs,
  limit: 10_000,
});
export const story = given(task);
