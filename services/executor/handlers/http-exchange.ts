import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { AppError, errorMessage, errorType } from "../../../shared/errors.ts";
import { guardedLookup, refuseForbiddenHost } from "./address-guard.ts";

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
  /** True where the body is longer than what is kept of it. */
  readonly isTruncated: boolean;
  /** Redirects that were followed to get it. */
  readonly redirects: number;
}
export interface HttpLimits {
  readonly signal: AbortSignal;
  /** Redirects followed; the answer to the last is taken as it is. */
  readonly redirects: number;
  readonly maxBodyBytes: number;
  readonly allowPrivate: boolean;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/**
 * Makes a request and follows its redirects, each checked like the first. Errors: `HTTP_ADDRESS_FORBIDDEN`,
 * `HTTP_REDIRECT_INVALID`, `HTTP_UNREACHABLE` (retryable), and the signal's reason when it is aborted.
 */
export async function exchange(first: HttpCall, limits: HttpLimits): Promise<HttpResponse> {
  let call = first;
  for (let redirects = 0; ; redirects++) {
    const response = await exchangeOnce(call, limits);
    const { location } = response.headers;
    if (redirects >= limits.redirects || location === undefined || !isRedirect(response.status))
      return { ...response, redirects };
    call = redirected(call, response.status, location);
  }
}

/** True for a status that names another place to go to. */
export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

type OneResponse = Omit<HttpResponse, "redirects">;

async function exchangeOnce(call: HttpCall, limits: HttpLimits): Promise<OneResponse> {
  if (!limits.allowPrivate) refuseForbiddenHost(call.url);
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
  // Where a name has several addresses, Node's error has a code and no message.
  const text = errorMessage(cause) || ((cause as { code?: string }).code ?? "");
  // OpenSSL's are full of internals: `<id>:error:<number>:<library>:<function>:<reason>:<source file>:<line>:`.
  const reason = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(text)?.[1];
  const why = reason === undefined ? text : `TLS failed: ${reason}`;
  return why.replaceAll(/\s+/g, " ").trim();
}

function send({ url, method, headers, body }: HttpCall, limits: HttpLimits): Promise<IncomingMessage> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest;
  const lookup = limits.allowPrivate ? undefined : guardedLookup;
  // Node states the length by itself for some methods only; without it a body is read as the next request.
  const framed =
    body === undefined ? headers : { ...headers, "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    // No agent: a pooled connection would be used again without its address being looked at.
    request(url, { method, headers: framed, agent: false, lookup, signal: limits.signal }, resolve)
      .on("error", reject)
      .end(body);
  });
}

async function readResponse(message: IncomingMessage, maxBytes: number): Promise<OneResponse> {
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

/** As browsers do: 303, and 301 or 302 after POST, continue as GET; secrets do not follow to another origin. */
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
