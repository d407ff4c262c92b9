import { apps } from "../../../shared/contracts/apps.ts";
import { accessRoutes } from "./access-routes.ts";
import { authTestRoutes, roleRoutes, userRoutes } from "./auth-routes.ts";
import { listOperations } from "./operation-endpoints.ts";
import { getRecord, listHotRows, listRecords } from "./record-endpoints.ts";
import { both, describeRoute, type Method, type Route } from "./route.ts";
import {
  createLocalAudio,
  createLocalFile,
  createLocalImage,
  createLocalVideo,
  createTempImage,
} from "./storage-endpoints.ts";
import { apiIndex, health, ready } from "./system-endpoints.ts";
import {
  cancelRun,
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
    access: "task.write",
  },
  {
    paths: { own: "POST /scheduler/task/update" },
    operation: "scheduler_task.update",
    action: "scheduler.change",
    endpoint: updateTask,
    access: "task.write",
  },
  {
    paths: both("GET /scheduler/task/list/query"),
    operation: "scheduler_task.list_query",
    action: "scheduler.list",
    endpoint: listTasks,
    access: "task.read",
  },
  {
    paths: both("GET /scheduler/task/one/query"),
    operation: "scheduler_task.one_query",
    action: "scheduler.get",
    endpoint: getTask,
    access: "task.read",
  },
  {
    paths: { R1: "PUT /scheduler/task/stop/task/update", R2: "POST /scheduler/task/stop/update" },
    operation: "scheduler_task.stop_task",
    nameInR1: "stop_task_update",
    action: "scheduler.pause",
    endpoint: stopTask,
    access: "task.write",
  },
  {
    paths: { R1: "PUT /scheduler/task/start/task/update", R2: "POST /scheduler/task/start/update" },
    operation: "scheduler_task.start_task",
    nameInR1: "start_task_update",
    action: "scheduler.resume",
    endpoint: startTask,
    access: "task.write",
  },
  {
    paths: { R2: "POST /scheduler/task/delete" },
    operation: "scheduler_task.delete_task",
    action: "scheduler.delete",
    endpoint: deleteTask,
    access: "task.write",
  },
  {
    paths: { own: "POST /scheduler/task/run/create" },
    operation: "scheduler_task.run_create",
    action: "scheduler.runNow",
    endpoint: runTask,
    access: "task.run",
  },
  {
    paths: { own: "POST /scheduler/task/run/cancel/update" },
    operation: "scheduler_task.run_cancel_update",
    action: "scheduler.cancel",
    endpoint: cancelRun,
    access: "task.run",
  },
  {
    paths: { own: "GET /scheduler/task/handler/list/query" },
    operation: "scheduler_task.handler_list_query",
    action: "executor.handlers",
    endpoint: listHandlers,
    access: "task.read",
  },
  {
    paths: both("GET /scheduler/task/record/list/query"),
    operation: "scheduler_task_record.list_query",
    action: "records.list",
    endpoint: listRecords,
    access: "record.read",
  },
  {
    paths: { own: "GET /scheduler/task/record/one/query" },
    operation: "scheduler_task_record.one_query",
    action: "records.get",
    endpoint: getRecord,
    access: "record.read",
  },
  {
    paths: both("GET /system/record/operation/list/query"),
    operation: "system_record.operation_list_query",
    action: "records.operations",
    endpoint: listOperations,
    access: "operation.read",
  },
  {
    paths: { R2: "POST /system/storage/local/image/create" },
    operation: "system_storage.local_image_create",
    action: null,
    endpoint: createLocalImage,
    access: "file.write",
  },
  {
    paths: { R2: "POST /system/storage/local/audio/create" },
    operation: "system_storage.local_audio_create",
    action: null,
    endpoint: createLocalAudio,
    access: "file.write",
  },
  {
    paths: { R2: "POST /system/storage/local/video/create" },
    operation: "system_storage.local_video_create",
    action: null,
    endpoint: createLocalVideo,
    access: "file.write",
  },
  {
    paths: { R2: "POST /system/storage/local/create" },
    operation: "system_storage.local_create",
    action: null,
    endpoint: createLocalFile,
    access: "file.write",
  },
  {
    paths: { R2: "POST /system/storage/temp/image/create" },
    operation: "system_storage.temp_image_create",
    action: null,
    endpoint: createTempImage,
    access: "file.write",
  },
  {
    paths: both("POST /bilibili/hot/new/task/create"),
    operation: "bilibili_hot_new.task_create",
    action: "scheduler.create",
    endpoint: createHotlistTask,
    access: "task.write",
  },
  {
    paths: { own: "GET /bilibili/hot/new/list/query" },
    operation: "bilibili_hot_new.list_query",
    action: "crawler.list",
    endpoint: listHotRows,
    access: "hotlist.read",
  },
  ...roleRoutes,
  ...userRoutes,
  ...authTestRoutes,
  ...accessRoutes,
  {
    paths: { own: "GET /" },
    operation: "platform.index",
    action: null,
    endpoint: apiIndex,
    access: "public",
  },
  {
    paths: { own: "GET /health" },
    operation: "platform.health",
    action: null,
    endpoint: health,
    access: "public",
  },
  {
    paths: { own: "GET /ready" },
    operation: "platform.ready",
    action: null,
    endpoint: ready,
    access: "public",
  },
];

/** The routes of the selected groups, in the order of the groups, then those that are always served. */
export function servedRoutes(table: readonly Route[], selected: readonly string[]): readonly Route[] {
  const rank = ({ operation }: Route) => {
    const { group } = describeRoute({ operation });
    return isSelectable(group) ? selected.indexOf(group) : selected.length;
  };
  return table.filter((route) => rank(route) >= 0).toSorted((a, b) => rank(a) - rank(b));
}

const isSelectable = (group: string): boolean => (apps as readonly string[]).includes(group);

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
