import type { ActionName } from "../../../shared/contracts/actions.ts";
import type { Endpoint } from "./endpoint.ts";
import { getRecord, listHotRows, listRecords } from "./record-endpoints.ts";
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

export type Method = "GET" | "POST" | "PUT" | "DELETE";
type Alias = `${Method} /${string}`;

/** Method and path in each revision of the Python original that has the endpoint, or `own` for one of ours. */
export interface Paths {
  readonly R1?: Alias;
  readonly R2?: Alias;
  readonly own?: Alias;
}

/** One endpoint of the API. The table below is the only place with its paths. */
export interface Route {
  readonly paths: Paths;
  /** The action that it calls; null where the gateway responds without one. */
  readonly action: ActionName | null;
  readonly endpoint: Endpoint;
}

const both = (alias: Alias) => ({ R1: alias, R2: alias });

export const routes: readonly Route[] = [
  { paths: both("POST /scheduler/task/create"), action: "scheduler.create", endpoint: createTask },
  { paths: { own: "POST /scheduler/task/update" }, action: "scheduler.change", endpoint: updateTask },
  { paths: both("GET /scheduler/task/list/query"), action: "scheduler.list", endpoint: listTasks },
  { paths: both("GET /scheduler/task/one/query"), action: "scheduler.get", endpoint: getTask },
  {
    paths: { R1: "PUT /scheduler/task/stop/task/update", R2: "POST /scheduler/task/stop/update" },
    action: "scheduler.pause",
    endpoint: stopTask,
  },
  {
    paths: { R1: "PUT /scheduler/task/start/task/update", R2: "POST /scheduler/task/start/update" },
    action: "scheduler.resume",
    endpoint: startTask,
  },
  { paths: { R2: "POST /scheduler/task/delete" }, action: "scheduler.delete", endpoint: deleteTask },
  { paths: { own: "POST /scheduler/task/run/create" }, action: "scheduler.runNow", endpoint: runTask },
  {
    paths: { own: "GET /scheduler/task/handler/list/query" },
    action: "executor.handlers",
    endpoint: listHandlers,
  },
  { paths: both("GET /scheduler/task/record/list/query"), action: "records.list", endpoint: listRecords },
  { paths: { own: "GET /scheduler/task/record/one/query" }, action: "records.get", endpoint: getRecord },
  {
    paths: both("POST /bilibili/hot/new/task/create"),
    action: "scheduler.create",
    endpoint: createHotlistTask,
  },
  { paths: { own: "GET /bilibili/hot/new/list/query" }, action: "crawler.list", endpoint: listHotRows },
  { paths: { own: "GET /" }, action: null, endpoint: apiIndex },
  { paths: { own: "GET /health" }, action: null, endpoint: health },
  { paths: { own: "GET /ready" }, action: null, endpoint: ready },
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
