import { MOST_ROWS } from "../../../shared/contracts/paging.ts";
import { errorMessage, errorType, isRetryable } from "../../../shared/errors.ts";
import { businessError, invalidInput, type Reply, serverError } from "./envelope.ts";
import { type FieldError, InvalidInput } from "./wire-validation.ts";

const DISABLED = "项目配置中未开启定时任务引擎：kinit_fast_task/config.py:TaskSettings.TASK_ENABLE";
/** What somebody else's database driver throws while its server is away; those errors carry no type of ours. */
const STORE_AWAY = /^Mongo(Network|ServerSelection|NotConnected|TopologyClosed|ServerClosed|PoolCleared)/;

/** The answer to anything that was thrown; undefined for what nobody foresaw, which is a 500 and a line in the log. */
export function replyToError(error: unknown): Reply | undefined {
  if (error instanceof InvalidInput) return invalidInput(error);
  const text = errorMessage(error);
  switch (errorType(error)) {
    case "TASK_ACTIVE":
      return businessError("请暂停任务后再删除！", 400);
    case "TASK_DISABLED":
      return businessError(DISABLED, 400);
    case "STREAM_CONFLICT":
      return businessError("数据已被其他操作修改，请重试", 409);
    case "TRIGGER_INVALID":
    case "HANDLER_UNKNOWN":
    case "HANDLER_PARAMS_INVALID":
      return businessError(text, 400, { errors: [definitionError(error, text)] });
    case "RATE_LIMITED":
      return serverError(429, text, { "Retry-After": String(retrySeconds(error)) });
    case "LIST_TOO_LONG":
      return businessError(text, 400, {
        errors: [{ field: "limit", message: text, expected: `1-${MOST_ROWS}, with page` }],
      });
    case "VALIDATION_ERROR":
      return invalidParams(paramErrors(error), text);
    case "SERVICE_NOT_FOUND":
    case "SERVICE_NOT_AVAILABLE":
    case "REQUEST_REJECTED":
    case "QUEUE_FULL":
    case "BAD_GATEWAY":
      return serverError(503, `${serviceOf(error)}当前不可用，请稍后重试`);
    case "SCHEDULER_NO_LEADER":
      return serverError(503, "服务 scheduler 当前没有活动节点，请稍后重试");
    case "COMMAND_LATE":
      return serverError(503, "服务 scheduler 未在规定时间内执行该操作，未做任何更改，请重试");
    case "REQUEST_TIMEOUT":
      return serverError(503, `${serviceOf(error)}未在规定时间内响应，请稍后重试`);
    default:
      return otherReply(error, text);
  }
}

/** The answer to what nobody foresaw; the cause is in the log only. */
export const unexpected: Reply = serverError(500, "接口异常，请联系管理员！");

function otherReply(error: unknown, text: string): Reply | undefined {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof name === "string" && STORE_AWAY.test(name)) {
    return serverError(503, "存储当前不可用，请稍后重试");
  }
  if (errorType(error) === undefined || typeof code !== "number") return undefined;
  if (code >= 400 && code < 500) return businessError(text, code === 404 ? 404 : 400);
  return isRetryable(error) ? serverError(503, "服务当前不可用，请稍后重试") : undefined;
}

/** Where a task's definition is wrong. The services name fields as the API does, or by the handler's own params. */
function definitionError(error: unknown, text: string): FieldError {
  const { field, expected, handlers } = dataOf(error);
  const message = text;
  switch (errorType(error)) {
    case "HANDLER_UNKNOWN":
      return {
        field: "job_class",
        message,
        expected: Array.isArray(handlers) ? handlers.join(" | ") : "a known handler",
      };
    case "HANDLER_PARAMS_INVALID":
      return {
        field: field ? `job_params.${String(field)}` : "job_params",
        message,
        expected: String(expected ?? "what the handler declares"),
      };
    default:
      return {
        field: String(field ?? "expression"),
        message,
        expected: String(expected ?? "a valid trigger"),
      };
  }
}

/** A broker's own check of params also carries the value and the node: both stay here. */
function paramErrors(error: unknown): readonly FieldError[] {
  const { data } = error as { data?: unknown };
  if (!Array.isArray(data)) return [];
  return data.map(({ field, message, expected }: Record<string, unknown>) => ({
    field: String(field),
    message: String(message),
    expected: String(expected ?? ""),
  }));
}

function invalidParams(errors: readonly FieldError[], text: string): Reply {
  return businessError(errors[0]?.message ?? text, 400, { errors });
}

function serviceOf(error: unknown): string {
  const { action } = dataOf(error);
  return typeof action === "string" ? `服务 ${action.split(".")[0]} ` : "服务";
}

function retrySeconds(error: unknown): number {
  const { retryAfterMs } = dataOf(error);
  return typeof retryAfterMs === "number" ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : 60;
}

function dataOf(error: unknown): Record<string, unknown> {
  const { data } = error as { data?: unknown };
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}
