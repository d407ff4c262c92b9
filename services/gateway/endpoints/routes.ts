import { getRecord, listHotRows, listRecords } from "./record-endpoints.ts";
import { both, type Method, type Route } from "./route.ts";
import { apiIndex, health, ready } from "./system-endpoints.ts";
import {
  createHotlistTask,
  createTask,
  deleteTask,
  getTask,
  listHandlers,
  listTasks,
  runTask,
  startTask,
  stopTask,
  updateTask,
} from "./task-endpoints.ts";

/** Every endpoint of the API: the only place with its paths. */
export const routes: readonly Route[] = [
  {
    paths: both("POST /scheduler/task/create"),
    operation: "scheduler_task.create",
    action: "scheduler.create",
    endpoint: createTask,
  },
  {
    paths: { own: "POST /scheduler/task/update" },
    operation: "scheduler_task.update",
    action: "scheduler.change",
    endpoint: updateTask,
  },
  {
    paths: both("GET /scheduler/task/list/query"),
    operation: "scheduler_task.list_query",
    action: "scheduler.list",
    endpoint: listTasks,
  },
  {
    paths: both("GET /scheduler/task/one/query"),
    operation: "scheduler_task.one_query",
    action: "scheduler.get",
    endpoint: getTask,
  },
  {
    paths: { R1: "PUT /scheduler/task/stop/task/update", R2: "POST /scheduler/task/stop/update" },
    operation: "scheduler_task.stop_task",
    action: "scheduler.pause",
    endpoint: stopTask,
  },
  {
    paths: { R1: "PUT /scheduler/task/start/task/update", R2: "POST /scheduler/task/start/update" },
    operation: "scheduler_task.start_task",
    action: "scheduler.resume",
    endpoint: startTask,
  },
  {
    paths: { R2: "POST /scheduler/task/delete" },
    operation: "scheduler_task.delete_task",
    action: "scheduler.delete",
    endpoint: deleteTask,
  },
  {
    paths: { own: "POST /scheduler/task/run/create" },
    operation: "scheduler_task.run_create",
    action: "scheduler.runNow",
    endpoint: runTask,
  },
  {
    paths: { own: "GET /scheduler/task/handler/list/query" },
    operation: "scheduler_task.handler_list_query",
    action: "executor.handlers",
    endpoint: listHandlers,
  },
  {
    paths: both("GET /scheduler/task/record/list/query"),
    operation: "scheduler_task_record.list_query",
    action: "records.list",
    endpoint: listRecords,
  },
  {
    paths: { own: "GET /scheduler/task/record/one/query" },
    operation: "scheduler_task_record.one_query",
    action: "records.get",
    endpoint: getRecord,
  },
  {
    paths: both("POST /bilibili/hot/new/task/create"),
    operation: "bilibili_hot_new.task_create",
    action: "scheduler.create",
    endpoint: createHotlistTask,
  },
  {
    paths: { own: "GET /bilibili/hot/new/list/query" },
    operation: "bilibili_hot_new.list_query",
    action: "crawler.list",
    endpoint: listHotRows,
  },
  {
    paths: { own: "GET /" },
    operation: "platform.index",
    action: null,
    endpoint: apiIndex,
  },
  {
    paths: { own: "GET /health" },
    operation: "platform.health",
    action: null,
    endpoint: health,
  },
  {
    paths: { own: "GET /ready" },
    operation: "platform.ready",
    action: null,
    endpoint: ready,
  },
];

/** Routes by path, then by method: which methods a path has, and what each runs. */
export type RouteIndex = ReadonlyMap<string, ReadonlyMap<string, Route>>;

export function indexRoutes(table: readonly Route[]): RouteIndex {
  const index = new Map<string, Map<string, Route>>();
  for (const route of table) {
    for (const alias of new Set(Object.values(route.paths))) {
      const [method, path] = alias.split(" ") as [Method, string];
      const methods = index.get(path) ?? new Map<string, Route>();
      index.set(path, methods.set(method, route));
    }
  }
  return index;
}

/** The services of the actions in the table. */
export function servicesOf(table: readonly Route[]): readonly string[] {
  return [...new Set(table.flatMap(({ action }) => action?.split(".")[0] ?? []))];
}
