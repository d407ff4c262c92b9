import { randomUUID } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Context, Service } from "moleculer";
import type { Client } from "../access/request-access.ts";
import type { Route } from "../endpoints/route.ts";
import { type Language, languageOf } from "../texts/language.ts";
import type { ApiResponse } from "../wire/response.ts";

/** A request as moleculer-web passes it through its chain, and what our links add. */
export interface GatewayRequest extends IncomingMessage {
  readonly originalUrl?: string;
  readonly $ctx?: Context;
  readonly $startTime: [number, number];
  readonly $service?: { readonly server: Server };
  /** The raw body, once it was read. */
  readonly body?: unknown;
  matchedRoute?: Route;
  /** Who makes the request, once that is known. */
  client?: Client;
  /** A line for the log will be written when the request is done. */
  isLogged?: boolean;
  /** Called once with the response, when it was sent or the client has left; see `RequestWatch`. */
  onResponse?: ((response: ApiResponse, contentLength: number | null) => void) | undefined;
  /** The client waits for `100 Continue` before it sends its body. */
  isBodyAwaited?: boolean;
  /** Code in the response body, which differs from the status for business errors. */
  bodyCode?: unknown;
}

/** Records the requests that change something, once they were responded to. */
export interface RequestWatch {
  /**
   * Watches a request to a route, so that its operation is recorded together with its response. Returns false while too
   * many operations wait to be recorded: then the request must be rejected.
   */
  watch(request: GatewayRequest, route: Route): boolean;
  /** Resolves when all operations are on the bus, or after the limit (ms). */
  stop(limitMs: number): Promise<void>;
}

/** The running gateway; `server.address()` has the port where 0 was configured. */
export type GatewayService = Service & {
  readonly server: Server;
  operations: RequestWatch;
  /** Whether each request writes a line to the log. */
  logsRequests: boolean;
  createServer(): void;
};

/** A link of moleculer-web's chain. */
export type Link = (
  this: GatewayService,
  request: GatewayRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

const SANE_ID = /^[\w.:/+=-]{1,128}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The caller's request id where logs and headers can carry it, else a new one. */
export function requestId(given: unknown): string {
  return typeof given === "string" && SANE_ID.test(given) ? given : randomUUID();
}

/** What the calls of a request carry in addition to its id. */
export function requestMeta({ headers }: IncomingMessage): { traceparent?: string } {
  const { traceparent } = headers;
  return typeof traceparent === "string" && TRACEPARENT.test(traceparent) ? { traceparent } : {};
}

/** The language that the client prefers. */
export function requestLanguage({ headers }: Pick<IncomingMessage, "headers">): Language {
  return languageOf(headers["accept-language"]);
}

export function pathOf(request: GatewayRequest): string {
  return urlOf(request).split("?", 1)[0] as string;
}

/** The last value of each parameter. */
export function queryOf(request: GatewayRequest): Record<string, string> {
  const url = urlOf(request);
  const at = url.indexOf("?");
  return at < 0 ? {} : Object.fromEntries(new URLSearchParams(url.slice(at + 1)));
}

/** Path and query as they were sent. */
export function urlOf({ originalUrl, url }: GatewayRequest): string {
  return originalUrl ?? url ?? "/";
}

export function elapsedMs({ $startTime }: GatewayRequest): number {
  const [seconds, nanoseconds] = process.hrtime($startTime);
  return seconds * 1000 + nanoseconds / 1e6;
}
