import { type EventOf, event, eventFamily } from "./event.ts";
import { retryPolicy } from "./retry-policy.ts";
import { exampleDefinition, SKIP_REASONS, taskDefinition } from "./task-definition.ts";

const taskId = "66f2a1b00a1b2c3d4e5f6070";

/** The next occurrence: part of each event that moves it, so that folding events needs no clock. */
const plan = { nextRunAt: { type: "instant", nullable: true } } as const;

export const taskEvents = eventFamily({
  "task.created": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary: "A task was defined.",
    data: { taskId: "id", ...taskDefinition, isActive: "boolean", ...plan, at: "instant" },
    example: {
      taskId,
      ...exampleDefinition,
      isActive: true,
      nextRunAt: "2026-01-05T08:00:10.000Z",
      at: "2026-01-05T08:00:00.000Z",
    },
  }),
  "task.changed": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary: "A task's definition was replaced.",
    data: { taskId: "id", ...taskDefinition, isActive: "boolean", ...plan, at: "instant" },
    example: {
      taskId,
      ...exampleDefinition,
      isActive: true,
      nextRunAt: "2026-01-05T09:00:10.000Z",
      at: "2026-01-05T09:00:00.000Z",
    },
  }),
  "task.paused": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary: "A task was paused; it is not due until it is resumed.",
    data: { taskId: "id", at: "instant" },
    example: { taskId, at: "2026-01-05T09:00:00.000Z" },
  }),
  "task.resumed": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary: "A paused or finished task was resumed; occurrences in between are not made up for.",
    data: { taskId: "id", ...plan, at: "instant" },
    example: { taskId, nextRunAt: "2026-01-05T10:00:10.000Z", at: "2026-01-05T10:00:00.000Z" },
  }),
  "task.deleted": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary: "A task was deleted; its records stay.",
    data: { taskId: "id", at: "instant" },
    example: { taskId, at: "2026-01-05T10:00:00.000Z" },
  }),
  "task.finished": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary: "No occurrence of the task is left.",
    data: { taskId: "id", at: "instant" },
    example: { taskId, at: "2026-01-05T10:00:00.000Z" },
  }),
  "task.due": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary:
      "An occurrence was dispatched, up to 1.5 s before its planned time, with everything that an executor needs.",
    data: {
      taskId: "id",
      runId: "id",
      attempt: { type: "number", integer: true, min: 1 },
      /** No executor starts the run before this. */
      plannedAt: "instant",
      name: taskDefinition.name,
      group: taskDefinition.group,
      handler: taskDefinition.handler,
      params: taskDefinition.params,
      strategy: taskDefinition.strategy,
      expression: taskDefinition.expression,
      timeoutMs: taskDefinition.timeoutMs,
      /** Absent if failed attempts are not retried. */
      retry: { type: "object", strict: true, optional: true, props: retryPolicy },
      ...plan,
      at: "instant",
    },
    example: {
      taskId,
      runId: "66f2a1c00a1b2c3d4e5f6071",
      attempt: 1,
      plannedAt: "2026-01-05T08:00:10.000Z",
      name: exampleDefinition.name,
      group: exampleDefinition.group,
      handler: exampleDefinition.handler,
      params: exampleDefinition.params,
      strategy: "interval",
      expression: exampleDefinition.expression,
      timeoutMs: null,
      nextRunAt: "2026-01-05T08:00:20.000Z",
      at: "2026-01-05T08:00:08.500Z",
    },
  }),
  "task.skipped": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary: "One occurrence, or several missed ones in a row, were skipped, with the reason.",
    data: {
      taskId: "id",
      /** Id of the skip's record; the same function of task and instant as a run's id. */
      skipId: "id",
      reason: { type: "enum", values: SKIP_REASONS },
      plannedAt: "instant",
      /** Equal to `plannedAt` where one occurrence was skipped. */
      lastPlannedAt: "instant",
      count: { type: "number", integer: true, min: 1 },
      name: taskDefinition.name,
      group: taskDefinition.group,
      handler: taskDefinition.handler,
      params: taskDefinition.params,
      strategy: taskDefinition.strategy,
      expression: taskDefinition.expression,
      ...plan,
      at: "instant",
    },
    example: {
      taskId,
      skipId: "66f2a1ca0a1b2c3d4e5f6072",
      reason: "overlap",
      plannedAt: "2026-01-05T08:00:20.000Z",
      lastPlannedAt: "2026-01-05T08:00:20.000Z",
      count: 1,
      name: exampleDefinition.name,
      group: exampleDefinition.group,
      handler: exampleDefinition.handler,
      params: exampleDefinition.params,
      strategy: "interval",
      expression: exampleDefinition.expression,
      nextRunAt: "2026-01-05T08:00:30.000Z",
      at: "2026-01-05T08:00:20.001Z",
    },
  }),
  "task.run_cancelled": event({
    version: 1,
    source: "scheduler",
    stream: "task",
    summary:
      "A run of the task was cancelled on request: it does not start any more, or its handler is aborted.",
    data: { taskId: "id", runId: "id", requestedBy: { type: "string", nullable: true }, at: "instant" },
    example: {
      taskId,
      runId: "66f2a1c00a1b2c3d4e5f6071",
      requestedBy: "admin",
      at: "2026-01-05T08:00:12.000Z",
    },
  }),
});

export type TaskEvent = EventOf<typeof taskEvents.contracts>;
export type TaskDue = Extract<TaskEvent, { type: "task.due" }>;
export type TaskSkipped = Extract<TaskEvent, { type: "task.skipped" }>;
