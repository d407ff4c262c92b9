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
  "system_storage.local_image_create": { zh: "上传图片到本地目录", en: "Upload an image to this server" },
  "system_storage.local_audio_create": { zh: "上传音频到本地目录", en: "Upload audio to this server" },
  "system_storage.local_video_create": { zh: "上传视频到本地目录", en: "Upload a video to this server" },
  "system_storage.local_create": { zh: "上传文件到本地目录", en: "Upload a file to this server" },
  "system_storage.temp_image_create": { zh: "上传临时文件到本地临时目录", en: "Upload a temporary image" },
  "bilibili_hot_new.task_create": { zh: "创建任务", en: "Create a task that fetches the hot list once" },
  "bilibili_hot_new.list_query": { zh: "获取热搜数据列表", en: "List rows of the hot list" },
  "auth_role.create": { zh: "创建角色", en: "Create a role" },
  "auth_role.update": { zh: "更新角色", en: "Replace a role" },
  "auth_role.delete": { zh: "批量删除角色", en: "Delete roles" },
  "auth_role.delete_list": { zh: "批量删除角色", en: "Delete roles, by a bare list of ids" },
  "auth_role.list_query": { zh: "获取角色列表", en: "List roles" },
  "auth_role.one_query": { zh: "获取角色信息", en: "Show a role" },
  "auth_role.batch_create": { zh: "批量创建角色", en: "Create roles: all or none" },
  "auth_user.create": { zh: "创建用户", en: "Create a user" },
  "auth_user.update": { zh: "更新用户", en: "Replace a user" },
  "auth_user.delete": { zh: "批量删除用户", en: "Delete users" },
  "auth_user.delete_list": { zh: "批量删除用户", en: "Delete users, by a bare list of ids" },
  "auth_user.list_query": { zh: "获取用户列表", en: "List users" },
  "auth_user.one_query": { zh: "获取用户信息", en: "Show a user" },
  "auth_user.recent_month_user_query": {
    zh: "获取最近一个月的用户新增情况",
    en: "Count the new users of each day of a month",
  },
  "auth_user.orm_db_getter_test": {
    zh: "ORM db_getter 手动事务测试",
    en: "Demonstrate the ORM: create a user in a transaction",
  },
  "auth_user.orm_db_getter_test_02": { zh: "ORM db_getter 测试", en: "Demonstrate the ORM: read users" },
  "auth_user.orm_03_test": {
    zh: "ORM 多对多（多对一也可用）关联查询测试",
    en: "Demonstrate the ORM: read users with their roles",
  },
  "auth_test.create": { zh: "创建测试", en: "Create a test" },
  "auth_test.update": { zh: "更新测试", en: "Replace a test" },
  "auth_test.delete": { zh: "批量删除测试", en: "Delete tests" },
  "auth_test.list_query": { zh: "获取测试列表", en: "List tests" },
  "auth_test.one_query": { zh: "获取测试信息", en: "Show a test" },
  "platform.login_create": { zh: "登录", en: "Log in" },
  "platform.session_refresh_create": { zh: "刷新登录会话", en: "Refresh a session" },
  "platform.logout_create": { zh: "退出登录", en: "Log out" },
  "platform.me_query": { zh: "获取当前用户信息", en: "Show who is logged in" },
  "platform.session_list_query": { zh: "获取登录会话列表", en: "List your sessions" },
  "platform.session_delete": { zh: "结束登录会话", en: "End one of your sessions" },
  "platform.password_update": { zh: "修改密码", en: "Change your password" },
  "platform.token_create": { zh: "创建 API 令牌", en: "Create an API token" },
  "platform.token_list_query": { zh: "获取 API 令牌列表", en: "List your API tokens" },
  "platform.token_delete": { zh: "撤销 API 令牌", en: "Revoke an API token" },
  "platform.user_login_update": { zh: "设置用户的登录名与密码", en: "Give a user a login and a password" },
  "platform.role_permission_query": { zh: "获取角色权限", en: "Show what a role allows" },
  "platform.role_permission_update": { zh: "设置角色权限", en: "Replace what a role allows" },
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
