import type { Text } from "./language.ts";

/** What successful changes return. */
export const done = {
  taskCreated: { zh: "任务添加成功", en: "Task created." },
  taskUpdated: { zh: "任务更新成功", en: "Task updated." },
  taskPaused: { zh: "任务暂停成功", en: "Task paused." },
  taskNotActive: { zh: "该任务不处于运行状态", en: "The task is not active." },
  taskResumed: { zh: "任务开启成功", en: "Task resumed." },
  taskAlreadyActive: { zh: "该任务已处于运行状态", en: "The task is active already." },
  taskDeleted: { zh: "任务删除成功", en: "Task deleted." },
  created: { zh: "创建成功", en: "Created." },
  batchCreated: { zh: "批量创建成功", en: "All created." },
  updated: { zh: "更新成功", en: "Updated." },
  deleted: { zh: "删除成功", en: "Deleted." },
  runCancelled: { zh: "运行取消成功", en: "Run cancelled." },
  runCancelledBefore: { zh: "该运行此前已取消", en: "The run was cancelled before." },
} as const satisfies Readonly<Record<string, Text>>;

/** The reply to the cancellation of a run that has ended. */
export const runEnded = (status: string): Text => ({
  zh: `该运行已结束（${status}），未作更改`,
  en: `The run has ended (${status}); nothing was changed.`,
});

/** Why a request is rejected before a service is called. */
export const rejections = {
  foreignHost: {
    zh: "请求头 Host 不是本服务的名称，已拒绝请求；如需以该名称访问，请将其加入配置项 SERVER_NAMES",
    en: "The header Host is not a name of this server; to use that name, add it to the setting SERVER_NAMES.",
  },
  foreignOrigin: {
    zh: "请求来自其他网站的页面（Origin），已拒绝请求；如需允许该来源，请将其加入配置项 ALLOWED_ORIGINS",
    en: "The request comes from a page of another site (Origin); to allow it, add it to the setting ALLOWED_ORIGINS.",
  },
  contentTypeRequired: {
    zh: "浏览器发送的请求必须带有 Content-Type: application/json",
    en: "Requests of browsers must have Content-Type: application/json.",
  },
  demonstration: {
    zh: "演示环境，禁止操作",
    en: "This is a demonstration; changes are not allowed.",
  },
  unrecordable: {
    zh: "操作记录暂时无法保存，已拒绝该请求，请稍后重试",
    en: "Operations cannot be recorded at the moment, so the request was rejected; try again later.",
  },
  bodyUnreadable: { zh: "请求体无法读取", en: "The request body cannot be read." },
} as const satisfies Readonly<Record<string, Text>>;

export const bodyTooLarge = (megabytes: number): Text => ({
  zh: `请求体过大，不能超过 ${megabytes} MB`,
  en: `The request body is larger than ${megabytes} MB.`,
});

export const notReady = (missing: readonly { readonly name: string; readonly reason: string }[]): Text => ({
  zh: `服务未就绪：${missing.map(({ name, reason }) => `${name}（${reason}）`).join("、")}`,
  en: `Not ready: ${missing.map(({ name, reason }) => `${name} (${reason})`).join(", ")}`,
});

/** What is wrong with a value of a request, where pydantic has no sentence for it. The first two are the original's. */
export const inputFaults = {
  notAnObject: {
    zh: "Value error, 无效的 Dict 数据或字符串数据",
    en: "Value error, invalid object or JSON object string",
  },
  notADatetime: {
    zh: "Value error, 无效的日期时间或字符串数据",
    en: "Value error, invalid date and time",
  },
  notATimezone: {
    zh: "无效的时区，应为 IANA 时区名称，例如 Asia/Shanghai",
    en: "Invalid time zone; expected an IANA name such as Asia/Shanghai",
  },
  numberNotExact: {
    zh: "数值超出可精确表示的范围（±(2^53-1)），请改为字符串",
    en: "The number cannot be represented exactly (±(2^53-1)); send it as a string",
  },
  notAList: { zh: "类型错误，输入应该是一个有效的列表！", en: "Input should be a valid list" },
  notATelephone: {
    zh: "Value error, 请输入正确手机号",
    en: "Value error, enter a valid mobile number of 11 digits",
  },
  emailMissing: { zh: "Value error, 请输入邮箱地址", en: "Value error, enter an e-mail address" },
  notAnEmail: { zh: "Value error, 请输入正确邮箱地址", en: "Value error, enter a valid e-mail address" },
  pageTooSmall: { zh: "page 应大于或等于 1", en: "page must be greater than or equal to 1" },
  limitTooSmall: {
    zh: "limit 应大于或等于 0（0 表示全部）",
    en: "limit must be greater than or equal to 0 (0 means all)",
  },
  notASortField: {
    zh: "v_order_field 应为字段名，例如 create_datetime",
    en: "v_order_field must be the name of a field, for example create_datetime",
  },
} as const satisfies Readonly<Record<string, Text>>;

export const jsonTooDeep = (levels: number): Text => ({
  zh: `JSON 嵌套过深，最多 ${levels} 层`,
  en: `The JSON is nested deeper than ${levels} levels`,
});

export const notAnId = (field: string): Text => ({
  zh: `${field} 格式错误，应为 24 位十六进制字符`,
  en: `${field} must be 24 hexadecimal digits`,
});
