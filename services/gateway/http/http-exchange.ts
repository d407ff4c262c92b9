import { randomUUID } from "node:crypto";
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from "node:http";
import type { Context } from "moleculer";
import type { Route, RouteIndex } from "../endpoints/routes.ts";
import { httpError, type Reply } from "../wire/envelope.ts";

/** A request as moleculer-web passes it through its chain, and what our links of it add. */
export interface GatewayRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly $ctx?: Context;
  readonly $startTime: [number, number];
  readonly $service?: { readonly server: Server };
  /** The raw body, once it was read. */
  readonly body?: unknown;
  matchedRoute?: Route;
  isObserved?: boolean;
  /** The client waits for `100 Continue` before it sends its body. */
  isBodyAwaited?: boolean;
  /** Code in the reply's body, which differs from the status for business errors. */
  replyCode?: unknown;
}

const SANE_ID = /^[\w.:/+=-]{1,128}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The caller's request id where it is one that logs and headers can carry, else a new one. */
export function requestId(given: unknown): string {
  return typeof given === "string" && SANE_ID.test(given) ? given : randomUUID();
}

/** What travels with the calls of a request besides its id. */
export function requestMeta({ headers }: IncomingMessage): { traceparent?: string } {
  const { traceparent } = headers;
  return typeof traceparent === "string" && TRACEPARENT.test(traceparent) ? { traceparent } : {};
}

export function pathOf(request: GatewayRequest): string {
  return (request.originalUrl ?? request.url ?? "/").split("?", 1)[0] as string;
}

/** The last value of each parameter. */
export function queryOf(request: GatewayRequest): Record<string, string> {
  const url = request.originalUrl ?? request.url ?? "/";
  const at = url.indexOf("?");
  return at < 0 ? {} : Object.fromEntries(new URLSearchParams(url.slice(at + 1)));
}

/** The route that answers a request, or the reply where none does. A trailing slash is sent to where it belongs. */
export function findRoute(index: RouteIndex, request: GatewayRequest): Route | Reply {
  const path = pathOf(request);
  const methods = index.get(path);
  if (methods) {
    const allow = [...methods.keys()].join(", ");
    return methods.get(request.method ?? "") ?? httpError(405, "Method Not Allowed", { Allow: allow });
  }
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === path || !index.has(trimmed)) return httpError(404, "Not Found");
  const query = (request.originalUrl ?? "").slice(path.length);
  return { status: 307, body: {}, headers: { Location: trimmed + query } };
}

const BODILESS = new Set([204, 307]);

/** Sends a reply once; a client that has gone, or an answer that has begun, is left alone. */
export function send(request: GatewayRequest, response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const text = BODILESS.has(reply.status) ? "" : JSON.stringify(reply.body);
  sendHead(request, response, reply, {
    ...(text === "" ? {} : { "Content-Type": "application/json" }),
    ...(reply.status === 204 ? {} : { "Content-Length": Buffer.byteLength(text) }),
  });
  response.end(text);
}

/** Status and headers; `content` describes the body. */
export function sendHead(
  request: GatewayRequest,
  response: ServerResponse,
  reply: Reply,
  content: OutgoingHttpHeaders,
): void {
  request.replyCode = reply.body.code;
  // While the server stops, a client that keeps its connection would hold it up for as long as it stays idle. One that
  // was not asked for its body may send it or not, so what follows on the connection could not be read.
  if (request.$service?.server.listening === false || request.isBodyAwaited) {
    response.setHeader("Connection", "close");
  }
  response.writeHead(reply.status, {
    ...content,
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Process-Time": `${Math.round(elapsedMs(request))}ms`,
    "if-refresh": "0",
    ...reply.headers,
  });
}

export function elapsedMs({ $startTime }: GatewayRequest): number {
  const [seconds, nanoseconds] = process.hrtime($startTime);
  return seconds * 1000 + nanoseconds / 1e6;
}
