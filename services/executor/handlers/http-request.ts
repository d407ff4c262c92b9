import { validateHeaderName, validateHeaderValue } from "node:http";
import type { ParamFault } from "../../../shared/contracts/handler-faults.ts";
import { storableFault } from "../../../shared/contracts/storable.ts";
import { AppError } from "../../../shared/errors.ts";
import { defineHandler, type Handler, type HandlerLog } from "../handler/define-handler.ts";
import { type HttpResponse, isRedirect, requestFollowingRedirects } from "./http-client.ts";

export interface HttpRequestSettings {
  /** Whether loopback, private and other special addresses may be called. */
  readonly allowPrivate: boolean;
}

const BODY_KEPT_BYTES = 65_536;
const REDIRECTS = 5;
const HEADERS_KEPT = [
  "content-type",
  "content-length",
  "date",
  "etag",
  "last-modified",
  "location",
  "retry-after",
];
/** Headers that control the framing of a message and its connection, and `host`, which follows from the URL. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;

/**
 * Makes an HTTP request. The response is the run's result: `{ status, headers, body, truncated? }`, with the body as JSON
 * if it is declared as JSON. Messages name the host only, because a path or a query may contain a secret.
 * @throws `HTTP_STATUS` (retryable for 429 and 5xx), `HTTP_TIMEOUT` and `HTTP_UNREACHABLE` (retryable),
 * `HTTP_ADDRESS_FORBIDDEN`, `HTTP_REDIRECT_INVALID`
 */
export const httpRequest = ({ allowPrivate }: HttpRequestSettings): Handler =>
  defineHandler({
    name: "http.request",
    title: "Makes an HTTP request",
    params: {
      url: { type: "string", min: 1, max: 4096 },
      method: { type: "enum", values: METHODS, optional: true },
      headers: { type: "record", optional: true },
      body: { type: "string", max: 1_048_576, optional: true },
      json: { type: "any", optional: true },
      timeoutMs: { type: "number", integer: true, min: 1, max: 86_400_000, optional: true },
      expectStatus: {
        type: "array",
        max: 20,
        items: { type: "number", integer: true, min: 100, max: 599 },
        optional: true,
      },
      redirects: { type: "number", integer: true, min: 0, max: 20, optional: true },
    },
    check: ({ url, method = "GET", headers = {}, body, json }) =>
      urlFault(url) ??
      Object.entries(headers).map(headerFault).find(Boolean) ??
      bodyFault(method, { body, json }),
    async run(
      { url, method = "GET", headers = {}, body, json, timeoutMs, expectStatus, redirects },
      { log, signal },
    ) {
      const target = new URL(url);
      const isJson = isGiven(json, { method, body });
      const call = {
        url: target,
        method,
        headers: {
          "accept-encoding": "identity",
          ...(isJson ? { "content-type": "application/json" } : undefined),
          ...lowerCased(headers),
        },
        body: isJson ? JSON.stringify(json) : body,
      };
      const limits = { redirects: redirects ?? REDIRECTS, maxBodyBytes: BODY_KEPT_BYTES, allowPrivate };
      const response = await within({ signal, timeoutMs, host: target.host }, (limit) =>
        requestFollowingRedirects(call, { ...limits, signal: limit }),
      );
      log.info(`${method} ${target.host} answered ${response.status}`);
      const isExpected =
        expectStatus?.includes(response.status) ?? (response.status >= 200 && response.status <= 299);
      if (!isExpected) throw new UnexpectedStatus(method, target.host, response);
      return resultOf(response, log);
    },
  });

class UnexpectedStatus extends AppError {
  constructor(method: string, host: string, { status, redirects }: HttpResponse) {
    const isLost = redirects > 0 && isRedirect(status);
    const why = isLost ? `: too many redirects, ${redirects} were followed` : "";
    super(`${method} ${host} answered ${status}${why}`, {
      type: "HTTP_STATUS",
      data: { status },
      retryable: status === 429 || status >= 500,
    });
  }
}

function urlFault(url: string): ParamFault | undefined {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return undefined;
  return {
    field: "url",
    reason: "URL_INVALID",
    fault: "is no http or https URL",
    expected: "a URL such as https://example.com/path",
  };
}

function headerFault([name, value]: [string, unknown]): ParamFault | undefined {
  const field = `headers.${name.slice(0, 100)}`;
  try {
    validateHeaderName(name);
    if (typeof value !== "string") throw new TypeError();
    validateHeaderValue(name, value);
  } catch {
    return {
      field,
      reason: "HEADER_INVALID",
      fault: "is no HTTP header",
      expected: "a header's name and its value as a string",
    };
  }
  if (!FRAMING.has(name.toLowerCase())) return undefined;
  return {
    field,
    reason: "HEADER_RESERVED",
    fault: "is set by the connection itself",
    expected: `no header ${name}`,
  };
}

const isBodiless = (method: string) => method === "GET" || method === "HEAD";

/** Null is a JSON value; with a body or a method without one, it means that no JSON is given. */
function isGiven(json: unknown, { method, body }: { method: string; body: unknown }): boolean {
  return json === null ? body === undefined && !isBodiless(method) : json !== undefined;
}

function bodyFault(method: string, { body, json }: { body: unknown; json: unknown }): ParamFault | undefined {
  const given = { body: body !== undefined, json: isGiven(json, { method, body }) };
  const [field, another] = (["body", "json"] as const).filter((name) => given[name]);
  if (field === undefined) return undefined;
  if (another)
    return {
      field,
      reason: "BODY_AND_JSON",
      fault: `is given together with ${another}`,
      expected: "only one of body and json",
    };
  if (!isBodiless(method)) return undefined;
  return {
    field,
    reason: "BODY_NOT_POSSIBLE",
    fault: `cannot be sent with ${method}`,
    expected: `no ${field}, or a method such as POST`,
  };
}

function lowerCased(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

interface Within {
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
  readonly host: string;
}

/** Applies the request's own limit in addition to that of its run. */
async function within<T>({ signal, timeoutMs, host }: Within, work: (limit: AbortSignal) => Promise<T>) {
  if (timeoutMs === undefined) return work(signal);
  const timer = AbortSignal.timeout(timeoutMs);
  try {
    return await work(AbortSignal.any([signal, timer]));
  } catch (error) {
    if (!timer.aborted || signal.aborted) throw error;
    const message = `${host} did not answer within ${timeoutMs} ms`;
    throw new AppError(message, { type: "HTTP_TIMEOUT", cause: error });
  }
}

function resultOf({ status, headers, body, isTruncated }: HttpResponse, log: HandlerLog) {
  const kept = Object.fromEntries(
    HEADERS_KEPT.flatMap((name) => (headers[name] ? [[name, headers[name]]] : [])),
  );
  const text = body.toString();
  const content = isTruncated ? text : parsed(text, headers["content-type"], log);
  return { status, headers: kept, body: content, ...(isTruncated ? { truncated: true } : undefined) };
}

/** Returns a JSON body as its value, or its text if it is not JSON or cannot be stored. */
function parsed(text: string, contentType: string | undefined, log: HandlerLog): unknown {
  if (!contentType || !/^application\/([\w.+-]+\+)?json\b/i.test(contentType)) return text;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  const fault = storableFault(value, "body");
  if (!fault) return value;
  log.warn(`The answer is kept as text: ${fault.field} ${fault.fault}`);
  return text;
}
