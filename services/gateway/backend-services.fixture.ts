import type { Context, ServiceSchema } from "moleculer";
import type { OperationView } from "../../shared/contracts/operation-actions.ts";
import { type RecordView, recordsActions } from "../../shared/contracts/records-actions.ts";
import { schedulerActions, type TaskView } from "../../shared/contracts/scheduler-actions.ts";
import { someActionsOf } from "../../shared/service.ts";

export const TASK = schedulerActions["scheduler.get"].example.taskId;
export const RUN = recordsActions["records.get"].example.runId;
const at = "2026-01-05T08:00:00.000Z";
export const exampleTask: TaskView = {
  ...schedulerActions["scheduler.create"].example,
  id: TASK,
  timezone: "Asia/Shanghai",
  cronDialect: "kinit",
  misfire: "fire_once",
  misfireGraceMs: 1000,
  overlap: "skip",
  timeoutMs: null,
  retryLimit: 0,
  retryBackoff: "exponential",
  retryDelayMs: 1000,
  retryMaxDelayMs: 3_600_000,
  status: "active",
  createdAt: at,
  updatedAt: at,
  lastRunAt: null,
  nextRunAt: at,
};
const record: RecordView = {
  id: RUN,
  taskId: TASK,
  status: "succeeded",
  plannedAt: at,
  startedAt: at,
  endedAt: at,
  processTime: 0.5,
  result: "任务执行完成",
  error: null,
  skip: null,
  name: "greet",
  group: "demo",
  handler: "test.main.Test",
  params: { name: "kinit", age: 3 },
  strategy: "interval",
  expression: "10 * * * *",
  attempts: [],
  retryAt: null,
  cancellation: null,
  progress: null,
  log: [],
  createdAt: at,
  updatedAt: at,
};

const operation: OperationView = {
  id: RUN,
  status: 200,
  address: "192.0.2.7",
  method: "POST",
  path: "/scheduler/task/create",
  system: "Other",
  browser: "curl 8.5.0",
  summary: "创建任务，添加任务",
  name: "create",
  description: null,
  tags: ["通用调度任务管理"],
  processTime: 0.0125,
  params: '{"body_params":"{\\"name\\":\\"任务\\"}","query_params":null,"path_params":null}',
  createdAt: at,
  updatedAt: at,
  actor: "admin",
  code: 200,
  operation: "scheduler_task.create",
  requestId: "r-1",
};

/** What a test observes and controls of the services behind the gateway. */
export interface BackendServices {
  readonly schemas: readonly ServiceSchema[];
  /** Calls that arrived, as name and params. */
  calls: [string, unknown][];
  /** Request id and meta of the newest call. */
  context: Pick<Context, "requestID" | "meta"> | undefined;
  /** Runs before each call returns: throws an error, or waits. */
  trouble: (() => void | Promise<void>) | undefined;
}

/** The services behind the gateway, reduced to what their contracts promise. */
export function backendServices(): BackendServices {
  const returning =
    <P, R>(name: string, result: R) =>
    async (params: P, context: Context<P>): Promise<R> => {
      backend.calls.push([name, params]);
      backend.context = context;
      await backend.trouble?.();
      return result;
    };
  const schemas: readonly ServiceSchema[] = [
    {
      name: "scheduler",
      actions: someActionsOf<"scheduler">("scheduler", {
        create: returning("create", { id: TASK }),
        change: returning("change", null),
        pause: returning("pause", { changed: true }),
        resume: returning("resume", { changed: false }),
        delete: returning("delete", null),
        runNow: returning("runNow", { runId: RUN }),
        cancel: returning("cancel", { changed: true, status: "cancelling" }),
        get: returning("get", exampleTask),
        list: returning("list", { items: [exampleTask], total: 21 }),
        status: () => ({ active: true, leader: "node-1", problem: null, skipping: [] }),
      }),
    },
    {
      name: "records",
      actions: someActionsOf<"records">("records", {
        list: returning("records.list", { items: [record], total: 1 }),
        get: returning("records.get", record),
        operations: returning("records.operations", { items: [operation], total: 1 }),
      }),
    },
    {
      name: "executor",
      actions: someActionsOf<"executor">("executor", {
        handlers: returning("handlers", [
          { name: "test.main.Test", title: "Test", params: { name: "string" }, timeoutMs: 5000 },
        ]),
      }),
    },
    {
      name: "crawler",
      actions: someActionsOf<"crawler">("crawler", {
        list: returning("crawler.list", {
          items: [{ id: RUN, crawlId: TASK, rank: 1, title: "t", heat: "1", link: "l", crawledAt: at }],
          total: 1,
        }),
      }),
    },
  ];
  const backend: BackendServices = { schemas, calls: [], context: undefined, trouble: undefined };
  return backend;
}

/** A task's body as the Python original documents it. */
export const taskBody = {
  name: "test",
  job_class: "test.main.Test",
  job_params: { name: "kinit", age: 3 },
  exec_strategy: "interval",
  expression: "10 * * * *",
  is_active: true,
};
