import { type ErrorType, errorTypes } from "../../../shared/contracts/errors.ts";
import type { ParamFault } from "../../../shared/contracts/handler-faults.ts";
import { MOST_ROWS } from "../../../shared/contracts/paging.ts";
import type { TriggerFault } from "../../../shared/contracts/trigger-faults.ts";
import { errorMessage, errorType, isRetryable } from "../../../shared/errors.ts";
import { errorTexts, type Facts, STORE_AWAY, UNAVAILABLE, UNEXPECTED } from "../texts/error-texts.ts";
import { inLanguage, type Language, type Wording } from "../texts/language.ts";
import { paramText } from "../texts/param-texts.ts";
import { expectedText, triggerText } from "../texts/trigger-texts.ts";
import { brokerErrorResponse } from "./broker-errors.ts";
import { wireFieldOf } from "./field-names.ts";
import { type ApiResponse, businessError, httpError, invalidInput, serverError } from "./response.ts";
import { type FieldError, InvalidInput } from "./wire-validation.ts";

/** What the driver throws while its server is away; those errors have no type of ours. */
const STORE_ERROR = /^Mongo(Network|ServerSelection|NotConnected|TopologyClosed|ServerClosed|PoolCleared)/;
/** Too much of something; the client may try again after a while. */
const LIMITS: ReadonlySet<string> = new Set([
  "RATE_LIMITED",
  "LOGIN_THROTTLED",
  "TOO_MANY_REQUESTS",
] satisfies ErrorType[]);
/** Types whose 5xx is not retryable unchanged, and still none of our faults: the client may send a new command. */
const TRY_AGAIN: ReadonlySet<string> = new Set(["COMMAND_LATE"] satisfies ErrorType[]);

/** The response to an error; undefined for an unexpected one, which is a 500 and a line in the log. */
export function errorResponse(error: unknown, language: Language): ApiResponse | undefined {
  if (error instanceof InvalidInput) return invalidInput(error, language);
  return brokerErrorResponse(error, language) ?? ownErrorResponse(error, language);
}

/** The response to an error that no code expects; its cause is in the log only. */
export const unexpectedError = (language: Language): ApiResponse => serverError(500, UNEXPECTED[language]);

function ownErrorResponse(error: unknown, language: Language): ApiResponse | undefined {
  const type = errorType(error);
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof name === "string" && STORE_ERROR.test(name)) return serverError(503, STORE_AWAY[language]);
  if (type === undefined || typeof code !== "number") return undefined;
  const text = inLanguage(wordingOf(type, error), language);
  if (LIMITS.has(type)) return serverError(429, text, { "Retry-After": String(retrySeconds(error)) });
  if (code === 401) return httpError(401, text, { "WWW-Authenticate": "Bearer" });
  if (type === "FORBIDDEN" || type === "CROSS_SITE_CHANGE") return httpError(403, text);
  if (code >= 500) return isRetryable(error) || TRY_AGAIN.has(type) ? serverError(503, text) : undefined;
  if (code < 400) return undefined;
  const field = fieldError(type, error, language);
  return businessError(text, KEPT.has(code) ? code : 400, field && { errors: [field] });
}

/** Codes of business errors that clients distinguish; all others are 400. */
const KEPT: ReadonlySet<number> = new Set([404, 409]);

function wordingOf(type: string, error: unknown): Wording {
  const thrown = errorMessage(error);
  // A newer version may have types that this one does not know.
  if (!isDeclared(type)) return isRetryable(error) ? UNAVAILABLE : thrown;
  const facts = factsOf(error);
  if (type === "TRIGGER_INVALID") return triggerText(facts as unknown as TriggerFault) ?? thrown;
  if (type === "HANDLER_PARAMS_INVALID" && "fault" in facts) return paramText(paramFault(facts));
  const text = errorTexts[type];
  return typeof text === "function" ? text(facts, thrown) : text;
}

function isDeclared(type: string): type is ErrorType {
  return Object.hasOwn(errorTypes, type);
}

/** The fault with its field as clients know it, without `job_params` in front. */
function paramFault(facts: Facts): ParamFault {
  const fault = facts as unknown as ParamFault;
  return { ...fault, field: wireFieldOf(fault.field).replace(/^job_params\./, "") };
}

/** The field that is wrong, where one is. */
function fieldError(type: string, error: unknown, language: Language): FieldError | undefined {
  const facts = factsOf(error);
  const message = inLanguage(wordingOf(type, error), language);
  const { field, expected, handlers } = facts;
  switch (type) {
    case "TRIGGER_INVALID":
      return {
        field: wireFieldOf(String(field ?? "expression")),
        message,
        expected:
          "reason" in facts
            ? inLanguage(expectedText(facts as never), language)
            : String(expected ?? "a valid trigger"),
      };
    case "HANDLER_UNKNOWN":
      return {
        field: wireFieldOf("handler"),
        message,
        expected: Array.isArray(handlers) ? handlers.join(" | ") : "a known handler",
      };
    case "HANDLER_PARAMS_INVALID":
      return {
        field: wireFieldOf(String(field ?? "params")),
        message,
        expected: String(expected ?? "what the handler declares"),
      };
    case "LIST_TOO_LONG":
      return { field: "limit", message, expected: `1-${MOST_ROWS}, with page` };
    default:
      return undefined;
  }
}

function retrySeconds(error: unknown): number {
  const { retryAfterMs } = factsOf(error);
  return typeof retryAfterMs === "number" ? Math.max(1, Math.ceil(retryAfterMs / 1000)) : 60;
}

export function factsOf(error: unknown): Facts {
  const { data } = error as { data?: unknown };
  return typeof data === "object" && data !== null ? (data as Facts) : {};
}
