import type { ErrorType } from "../../../shared/contracts/errors.ts";
import { accessTexts, passwordText, tooManyRequests } from "./access-texts.ts";
import type { Text, Wording } from "./language.ts";

/** `data` of an error, as plain JSON from any node. */
export type Facts = Readonly<Record<string, unknown>>;

/** A text, or what makes it of the facts and the thrown text. */
export type ErrorText = Text | ((facts: Facts, thrown: string) => Wording);

export const UNEXPECTED: Text = {
  zh: "接口异常，请联系管理员！",
  en: "Unexpected error; please contact the administrator.",
};
export const UNAVAILABLE: Text = {
  zh: "服务当前不可用，请稍后重试",
  en: "The service is not available at the moment; try again later.",
};
export const STORE_AWAY: Text = {
  zh: "存储当前不可用，请稍后重试",
  en: "The store is not available at the moment; try again later.",
};

/** A service is not running, or unknown where `name` is empty. */
export const serviceAbsent = (name: string): Text => ({
  zh: `服务${name && ` ${name} `}当前不可用，请稍后重试`,
  en: `The service${name && ` ${name}`} is not available at the moment; try again later.`,
});
export const serviceLate = (name: string): Text => ({
  zh: `服务${name && ` ${name} `}未在规定时间内响应，请稍后重试`,
  en: `The service${name && ` ${name}`} did not respond in time; try again later.`,
});

/** Errors that only operators and developers meet keep their English text. */
const asThrown: ErrorText = (_, thrown) => thrown;

/** The text for clients of every type of error. `test/wire/wire-texts.spec.ts` checks that none is missing. */
export const errorTexts: Readonly<Record<ErrorType, ErrorText>> = {
  STORAGE_DISABLED: ({ backend }) => ({
    zh: `未启用存储：${backend}`,
    en: `The storage ${backend} is not enabled.`,
  }),
  FILE_TOO_LARGE: ({ megabytes }) => ({
    zh: `上传文件过大，不能超过${megabytes}MB`,
    en: `The file is larger than ${megabytes} MB.`,
  }),
  FILE_TYPE_REFUSED: ({ accepted }) => ({
    zh: `上传文件格式错误，只支持 ${accepted} 格式!`,
    en: `The file has none of the types ${accepted}.`,
  }),
  UPLOAD_INVALID: {
    zh: "上传内容无法读取，应为 multipart/form-data",
    en: "The upload cannot be read; expected multipart/form-data.",
  },
  TASK_NOT_FOUND: ({ taskId }) => notFound(taskId),
  RECORD_NOT_FOUND: ({ runId }) => notFound(runId),
  // For a user to change the Python original has the text of a read.
  ROW_NOT_FOUND: ({ use, kind }) =>
    ROW_NOT_FOUND[kind === "user" && use === "change" ? "read" : (use as keyof typeof ROW_NOT_FOUND)] ??
    ROW_NOT_FOUND.read,
  ORM_DISABLED: {
    zh: "项目配置中未开启关系型数据库引擎：kinit_fast_task/config.py:DBSettings.ORM_DB_ENABLE",
    en: "The relational database is switched off in the configuration (ORM_DB_ENABLE).",
  },
  TASK_ACTIVE: { zh: "请暂停任务后再删除！", en: "Pause the task before you delete it." },
  TASK_DISABLED: {
    zh: "项目配置中未开启定时任务引擎：kinit_fast_task/config.py:TaskSettings.TASK_ENABLE",
    en: "Scheduling is switched off in the configuration (TASK_ENABLE).",
  },
  TASK_PARAMS_TOO_LARGE: ({ bytes, limit }) => ({
    zh: `任务参数过大：job_params 为 ${bytes} 字节，不能超过 ${limit} 字节`,
    en: `job_params has ${bytes} bytes; at most ${limit} are allowed.`,
  }),
  TASK_TOO_MANY_RUNS: ({ limit }) => ({
    zh: `该任务未结束的运行已达 ${limit} 个，请等待其结束后再试`,
    en: `The task has ${limit} open runs, the most that one task may have; try again when some have ended.`,
  }),
  RATE_LIMITED: ({ limit, retryAfterMs }) => {
    const seconds = Math.ceil(Number(retryAfterMs) / 1000);
    return {
      zh: `立即执行过于频繁：每个任务每分钟最多 ${limit} 次（MANUAL_RUNS_PER_MINUTE），请在 ${seconds} 秒后重试`,
      en: `A task may be run now ${limit} times a minute (MANUAL_RUNS_PER_MINUTE); try again in ${seconds} s.`,
    };
  },
  LOGIN_FAILED: { zh: "账号或密码错误", en: "The login or the password is wrong." },
  LOGIN_THROTTLED: ({ retryAfterMs }) => {
    const seconds = Math.ceil(Number(retryAfterMs) / 1000);
    return {
      zh: `登录失败次数过多，请在 ${seconds} 秒后重试`,
      en: `Too many logins failed; try again in ${seconds} s.`,
    };
  },
  LOGIN_BUSY: UNAVAILABLE,
  SESSION_ENDED: { zh: "登录已失效，请重新登录", en: "The session has ended; log in again." },
  UNAUTHENTICATED: {
    zh: "未登录或令牌无效，请先登录",
    en: "Log in first: the request has no valid access token, API token or session.",
  },
  FORBIDDEN: ({ permission }) => ({
    zh: `没有权限：${permission}`,
    en: `You may not do this; the permission ${permission} is missing.`,
  }),
  CROSS_SITE_CHANGE: accessTexts.crossSiteChange,
  TOO_MANY_REQUESTS: ({ retryAfterMs }) => tooManyRequests(Math.ceil(Number(retryAfterMs) / 1000)),
  PASSWORD_WEAK: ({ reason }) => passwordText(String(reason)),
  LOGIN_TAKEN: { zh: "该登录名已被使用", en: "Another user logs in with this name." },
  LIST_TOO_LONG: ({ rows, limit }) => ({
    zh: `共 ${rows} 条数据，超过单次查询上限 ${limit} 条，请使用 page 和 limit 分页查询`,
    en: `The list has ${rows} rows, more than the ${limit} that one query returns; use page and limit.`,
  }),
  HANDLER_UNKNOWN: ({ handler, handlers }, thrown) =>
    typeof handler === "string" && Array.isArray(handlers) ? handlerUnknown(handler, handlers) : thrown,
  // These two have a reason each, see `trigger-texts.ts` and `param-texts.ts`; others come from older versions.
  TRIGGER_INVALID: asThrown,
  HANDLER_PARAMS_INVALID: asThrown,
  STREAM_CONFLICT: {
    zh: "数据已被其他操作修改，请重试",
    en: "The data was changed by another operation; try again.",
  },
  COMMAND_LATE: {
    zh: "服务 scheduler 未在规定时间内执行该操作，未做任何更改，请重试",
    en: "The service scheduler did not carry out the operation in time; nothing was changed, try again.",
  },
  SCHEDULER_NO_LEADER: {
    zh: "服务 scheduler 当前没有活动节点，请稍后重试",
    en: "The service scheduler has no active node at the moment; try again later.",
  },
  SCHEDULER_FENCED: UNAVAILABLE,
  VERDICT_UNKNOWN: UNAVAILABLE,
  EXECUTOR_STOPPING: UNAVAILABLE,
  CONFIRM_UNAVAILABLE: UNAVAILABLE,
  WHEREABOUTS_UNKNOWN: UNAVAILABLE,
  ROW_CHANGING: UNAVAILABLE,
  STORE_UNAVAILABLE: UNAVAILABLE,
  OUTBOX_FULL: UNAVAILABLE,
  BUS_FULL: UNAVAILABLE,
  BUS_UNAVAILABLE: UNAVAILABLE,
  REQUEUE: UNAVAILABLE,
  CRAWL_TIMEOUT: UNAVAILABLE,
  CRAWL_UNREACHABLE: UNAVAILABLE,
  CRAWL_BAD_STATUS: UNAVAILABLE,
  CRAWL_BAD_JSON: UNAVAILABLE,
  CRAWL_REFUSED: UNAVAILABLE,
  HTTP_STATUS: UNAVAILABLE,
  HTTP_TIMEOUT: UNAVAILABLE,
  HTTP_UNREACHABLE: UNAVAILABLE,
  HTTP_REDIRECT_INVALID: UNEXPECTED,
  CRAWL_TOO_LARGE: UNEXPECTED,
  CRAWL_BAD_SHAPE: UNEXPECTED,
  HANDLER_DUPLICATE: UNEXPECTED,
  OUTCOME_REFUSED: UNEXPECTED,
  RESULT_NOT_SERIALISABLE: UNEXPECTED,
  NOT_AN_ERROR: UNEXPECTED,
  RUN_TIMEOUT: UNEXPECTED,
  RUN_TIMED_OUT: UNEXPECTED,
  RUN_LOST: UNEXPECTED,
  NEVER_SETTLED: UNEXPECTED,
  GATEWAY_ADDRESS_UNAVAILABLE: UNEXPECTED,
  HEALTH_ADDRESS_UNAVAILABLE: UNEXPECTED,
  STORE_TOO_NEW: UNEXPECTED,
  CONFIG_INVALID: UNEXPECTED,
  SCHEMA_MISMATCH: UNEXPECTED,
  DATA_DIRECTORY_UNUSABLE: UNEXPECTED,
  RUN_CANCELLED: asThrown,
  STREAM_NOT_FOUND: asThrown,
  HTTP_ADDRESS_FORBIDDEN: asThrown,
  ACTION_UNKNOWN: asThrown,
  RECORD_TOO_LARGE: asThrown,
  CONTRACT_VIOLATION: asThrown,
  EVENT_INVALID: asThrown,
  EVENT_TOO_LARGE: asThrown,
  INPUT_INVALID: asThrown,
  CLIENT_STALLED: asThrown,
  NO_DATA: asThrown,
  USAGE: asThrown,
  FILE_UNUSABLE: asThrown,
  DUMP_FILE_EXISTS: asThrown,
};

/** By what a client wanted to do with the row. */
const ROW_NOT_FOUND = {
  read: { zh: "未查询到对应数据！", en: "No such data." },
  change: { zh: "未查询到需要更新的数据！", en: "No data to update." },
  delete: { zh: "未查询到需要删除的数据！", en: "No data to delete." },
} as const satisfies Readonly<Record<string, Text>>;

export function notFound(id: unknown): Text {
  return { zh: `未查询到编号为：${id} 的数据！`, en: `No data found with the id ${id}.` };
}

/** The Python original says whether it knows at least the module, the part of the name before the last dot. */
export function handlerUnknown(name: string, known: readonly string[]): Text {
  const split = name.lastIndexOf(".");
  const module = split < 0 ? name : name.slice(0, split);
  const isModuleKnown = known.some((other) => other.startsWith(`${module}.`));
  const [zh, en] = isModuleKnown
    ? [`未找到该模块下的方法：${name.slice(split + 1)}`, `The module has no ${name.slice(split + 1)}`]
    : [`未找到该模块：${module}`, `There is no module ${module}`];
  const list = known.join(", ");
  return { zh: `${zh}；可用：${list}`, en: `${en}; available: ${list}` };
}
