import type { Text } from "./language.ts";

/** The tags of the groups of routes. */
export const groupTags = {
  auth_user: { zh: "用户管理", en: "Users" },
  auth_role: { zh: "角色管理", en: "Roles" },
  auth_test: { zh: "测试管理", en: "Tests" },
  scheduler_task: { zh: "通用调度任务管理", en: "Tasks" },
  scheduler_task_record: { zh: "调度任务执行记录管理", en: "Records of runs" },
  system_record: { zh: "系统记录管理", en: "System records" },
  system_storage: { zh: "系统存储管理", en: "Storage" },
  bilibili_hot_new: { zh: "bilibili 热搜数据", en: "bilibili hot list" },
  platform: { zh: "平台", en: "Platform" },
} as const satisfies Readonly<Record<string, Text>>;

/** What each operation does, as `<group>.<name>`. */
export const operationSummaries = {
  "scheduler_task.create": { zh: "创建任务，添加任务", en: "Create a task" },
  "scheduler_task.update": { zh: "更新任务", en: "Replace a task" },
  "scheduler_task.list_query": { zh: "获取任务列表", en: "List tasks" },
  "scheduler_task.one_query": { zh: "获取任务信息", en: "Show a task" },
  "scheduler_task.stop_task": { zh: "暂停任务", en: "Pause a task" },
  "scheduler_task.start_task": { zh: "开启任务", en: "Resume a task" },
  "scheduler_task.delete_task": { zh: "删除任务", en: "Delete a task" },
  "scheduler_task.run_create": { zh: "立即执行任务", en: "Run a task now" },
  "scheduler_task.run_cancel_update": { zh: "取消运行", en: "Cancel a run" },
  "scheduler_task.handler_list_query": { zh: "获取处理器列表", en: "List handlers" },
  "scheduler_task_record.list_query": { zh: "获取任务执行记录列表", en: "List records of runs" },
  "scheduler_task_record.one_query": { zh: "获取任务执行记录信息", en: "Show the record of a run" },
  "system_record.operation_list_query": { zh: "获取系统操作记录列表", en: "List the operation log" },
  "bilibili_hot_new.task_create": { zh: "创建任务", en: "Create a task that fetches the hot list once" },
  "bilibili_hot_new.list_query": { zh: "获取热搜数据列表", en: "List rows of the hot list" },
  "platform.index": { zh: "接口入口", en: "Entry points of the API" },
  "platform.health": { zh: "存活检查", en: "Whether the process is alive" },
  "platform.documents": { zh: "接口文档", en: "API documents" },
  "platform.ready": { zh: "就绪检查", en: "Whether the platform is ready" },
} as const satisfies Readonly<Record<`${keyof typeof groupTags}.${string}`, Text>>;

/** Summary and tags of an operation in English, as far as they are known; a newer version may have others. */
export function englishOf(operation: string): { readonly summary?: string; readonly tag?: string } {
  const summary = (operationSummaries as Readonly<Record<string, Text>>)[operation]?.en;
  const tag = (groupTags as Readonly<Record<string, Text>>)[operation.split(".", 1)[0] ?? ""]?.en;
  return { ...(summary !== undefined && { summary }), ...(tag !== undefined && { tag }) };
}
