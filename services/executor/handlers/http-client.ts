import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { AppError, errorMessage, errorType } from "../../../shared/errors.ts";
import { assertAllowedHost, guardedLookup } from "./address-guard.ts";

export interface HttpCall {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}
export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
  /** True if the body was longer than `maxBodyBytes` and was cut. */
  readonly isTruncated: boolean;
  /** Number of redirects followed. */
  readonly redirects: number;
}
export interface HttpLimits {
  readonly signal: AbortSignal;
  /** Redirects to follow; one more is returned as the response. */
  readonly redirects: number;
  readonly maxBodyBytes: number;
  readonly allowPrivate: boolean;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Makes a request and follows its redirects, each of which is checked like the first request.
 * @throws `HTTP_ADDRESS_FORBIDDEN`, `HTTP_REDIRECT_INVALID`, `HTTP_UNREACHABLE` (retryable), or the signal's reason
 */
export async function requestFollowingRedirects(first: HttpCall, limits: HttpLimits): Promise<HttpResponse> {
  let call = first;
  for (let redirects = 0; ; redirects++) {
    const response = await requestOnce(call, limits);
    const { location } = response.headers;
    if (redirects >= limits.redirects || location === undefined || !isRedirect(response.status))
      return { ...response, redirects };
    call = redirected(call, response.status, location);
  }
}

/** Returns true for a status that redirects to another URL. */
export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

type SingleResponse = Omit<HttpResponse, "redirects">;

async function requestOnce(call: HttpCall, limits: HttpLimits): Promise<SingleResponse> {
  if (!limits.allowPrivate) assertAllowedHost(call.url);
  try {
    return await readResponse(await send(call, limits), limits.maxBodyBytes);
  } catch (error) {
    if (limits.signal.aborted) throw limits.signal.reason;
    if (errorType(error) !== undefined) throw error;
    throw new HttpUnreachable(call.url.host, error);
  }
}

class HttpUnreachable extends AppError {
  constructor(host: string, cause: unknown) {
    super(`${host} cannot be reached: ${causeInOneLine(cause)}`, {
      type: "HTTP_UNREACHABLE",
      cause,
    });
  }
}

function causeInOneLine(cause: unknown): string {
  // If a name has several addresses, Node's error has a code and no message.
  const text = errorMessage(cause) || ((cause as { code?: string }).code ?? "");
  // OpenSSL's messages contain internals: `<id>:error:<number>:<library>:<function>:<reason>:<source file>:<line>:`.
  const reason = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(text)?.[1];
  const why = reason === undefined ? text : `TLS failed: ${reason}`;
  return why.replaceAll(/\s+/g, " ").trim();
}

function send({ url, method, headers, body }: HttpCall, limits: HttpLimits): Promise<IncomingMessage> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const lookup = limits.allowPrivate ? undefined : guardedLookup;
  // Node sets the length for some methods only; without it, a server reads the body as the next request.
  const framed =
    body === undefined ? headers : { ...headers, "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    // No agent: a pooled connection would be reused without checking its address.
    request(url, { method, headers: framed, agent: false, lookup, signal: limits.signal }, resolve)
      .on("error", reject)
      .end(body);
  });
}

async function readResponse(message: IncomingMessage, maxBytes: number): Promise<SingleResponse> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxBytes) break;
  }
  message.destroy();
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    body: Buffer.concat(chunks).subarray(0, maxBytes),
    isTruncated: size > maxBytes,
  };
}

/** As in browsers, 303, and 301 or 302 after POST, continue as GET; secrets are not sent to another origin. */
function redirected(call: HttpCall, status: number, location: string): HttpCall {
  const url = URL.parse(location, call.url.href);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new AppError(`${call.url.host} redirects to something that is no http or https URL`, {
      type: "HTTP_REDIRECT_INVALID",
    });
  }
  const becomesGet = status === 303 ? call.method !== "HEAD" : status <= 302 && call.method === "POST";
  const isElsewhere = url.origin !== call.url.origin;
  const headers = Object.entries(call.headers).filter(([name]) => {
    if (becomesGet && /^content-/i.test(name)) return false;
    return !isElsewhere || !/^(authorization|cookie|proxy-authorization|host)$/i.test(name);
  });
  return {
    url,
    method: becomesGet ? "GET" : call.method,
    headers: Object.fromEntries(headers),
    body: becomesGet ? undefined : call.body,
  };
}
