import type { ActionName } from "../../../shared/contracts/actions.ts";
import type { Endpoint } from "./endpoint.ts";
import { getRecord, listHotRows, listRecords } from "./record-endpoints.ts";
import { health, ready, signpost } from "./system-endpoints.ts";
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

export type Method = "GET" | "POST" | "PUT" | "DELETE";
type Alias = `${Method} /${string}`;

/**
 * One endpoint of the API. The table below is the only place that knows paths: the server, the API's description,
 * the texts of the operation log and the permissions are made from it.
 */
export interface Route {
  /** The original's function name; with path and method it makes the operation id. */
  readonly name: string;
  /** Method and path in each revision of the original that has the endpoint, or `own` for one of ours. */
  readonly paths: { readonly R1?: Alias; readonly R2?: Alias; readonly own?: Alias };
  readonly tag: string;
  readonly summary: string;
  /** The action it runs; null where the gateway answers by itself. */
  readonly action: ActionName | null;
  readonly endpoint: Endpoint;
}

const both = (alias: Alias) => ({ R1: alias, R2: alias });
const TASKS = "通用调度任务管理";
const RECORDS = "调度任务执行记录管理";
const HOT_LIST = "bilibili 热搜数据";
const SYSTEM = "系统状态";

export const routes: readonly Route[] = [
  {
    name: "create",
    paths: both("POST /scheduler/task/create"),
    tag: TASKS,
    summary: "创建任务，添加任务",
    action: "scheduler.create",
    endpoint: createTask,
  },
  {
    name: "update",
    paths: { own: "POST /scheduler/task/update" },
    tag: TASKS,
    summary: "更新任务",
    action: "scheduler.change",
    endpoint: updateTask,
  },
  {
    name: "list_query",
    paths: both("GET /scheduler/task/list/query"),
    tag: TASKS,
    summary: "获取任务列表",
    action: "scheduler.list",
    endpoint: listTasks,
  },
  {
    name: "one_query",
    paths: both("GET /scheduler/task/one/query"),
    tag: TASKS,
    summary: "获取任务信息",
    action: "scheduler.get",
    endpoint: getTask,
  },
  {
    name: "stop_task",
    paths: { R1: "PUT /scheduler/task/stop/task/update", R2: "POST /scheduler/task/stop/update" },
    tag: TASKS,
    summary: "暂停任务",
    action: "scheduler.pause",
    endpoint: stopTask,
  },
  {
    name: "start_task",
    paths: { R1: "PUT /scheduler/task/start/task/update", R2: "POST /scheduler/task/start/update" },
    tag: TASKS,
    summary: "开启任务",
    action: "scheduler.resume",
    endpoint: startTask,
  },
  {
    name: "delete_task",
    paths: { R2: "POST /scheduler/task/delete" },
    tag: TASKS,
    summary: "删除任务",
    action: "scheduler.delete",
    endpoint: deleteTask,
  },
  {
    name: "run_task",
    paths: { own: "POST /scheduler/task/run/create" },
    tag: TASKS,
    summary: "立即执行任务",
    action: "scheduler.runNow",
    endpoint: runTask,
  },
  {
    name: "handler_list_query",
    paths: { own: "GET /scheduler/task/handler/list/query" },
    tag: TASKS,
    summary: "获取任务执行实体类列表",
    action: "executor.handlers",
    endpoint: listHandlers,
  },
  {
    name: "list_query",
    paths: both("GET /scheduler/task/record/list/query"),
    tag: RECORDS,
    summary: "获取任务执行记录列表",
    action: "records.list",
    endpoint: listRecords,
  },
  {
    name: "one_query",
    paths: { own: "GET /scheduler/task/record/one/query" },
    tag: RECORDS,
    summary: "获取任务执行记录信息",
    action: "records.get",
    endpoint: getRecord,
  },
  {
    name: "task_create",
    paths: both("POST /bilibili/hot/new/task/create"),
    tag: HOT_LIST,
    summary: "创建任务",
    action: "scheduler.create",
    endpoint: createHotlistTask,
  },
  {
    name: "list_query",
    paths: { own: "GET /bilibili/hot/new/list/query" },
    tag: HOT_LIST,
    summary: "获取热搜数据列表",
    action: "crawler.list",
    endpoint: listHotRows,
  },
  {
    name: "signpost",
    paths: { own: "GET /" },
    tag: SYSTEM,
    summary: "接口入口",
    action: null,
    endpoint: signpost,
  },
  {
    name: "health",
    paths: { own: "GET /health" },
    tag: SYSTEM,
    summary: "存活状态",
    action: null,
    endpoint: health,
  },
  {
    name: "ready",
    paths: { own: "GET /ready" },
    tag: SYSTEM,
    summary: "就绪状态",
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

/** The services that the table's actions belong to. */
export function servicesBehind(table: readonly Route[]): readonly string[] {
  return [...new Set(table.flatMap(({ action }) => action?.split(".")[0] ?? []))];
}
