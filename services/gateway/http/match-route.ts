import type { Config } from "../../../shared/config.ts";
import type { RouteIndex } from "../endpoints/routes.ts";
import { MEDIA } from "../storage/storage.ts";
import { rejections } from "../texts/messages.ts";
import { type ApiResponse, httpError, serverError } from "../wire/response.ts";
import { cors } from "./cors.ts";
import { type DemoConfig, demoGuard } from "./demo-guard.ts";
import { type GatewayRequest, type Link, pathOf, requestLanguage } from "./gateway-request.ts";
import { sendMedia } from "./media-files.ts";
import { type GuardConfig, requestGuard } from "./request-guard.ts";
import { logWhenDone } from "./request-log.ts";
import { sendResponse } from "./send-response.ts";

/** Load balancers and orchestrators call these by any address; they return nothing worth protecting. */
const OPEN_PATHS = new Set(["/health", "/ready"]);

export type MatchConfig = GuardConfig & DemoConfig & Pick<Config, "allowedOrigins">;

/** What is served, by path. */
export interface Served {
  readonly index: RouteIndex;
  /** The directory of stored files; null: none are served. */
  readonly media: string | null;
}

/**
 * The first link: logs every request, has its operation recorded, and responds to those that are rejected or have no
 * route.
 */
export function matchRoute(config: MatchConfig, { index, media }: Served): Link {
  const demo = demoGuard(config);
  const rejectionOf = requestGuard(config);
  const openToPages = cors(config.allowedOrigins);
  return function (request, response, next) {
    logWhenDone(request, response, this);
    const path = pathOf(request);
    const methods = index.get(path);
    const route = methods?.get(request.method ?? "");
    const known = route ?? methods?.values().next().value;
    const isRecordable = known === undefined || this.operations.watch(request, known);
    const rejection =
      (OPEN_PATHS.has(path) ? undefined : rejectionOf(request)) ??
      openToPages(request, response) ??
      demo(request) ??
      (isRecordable ? undefined : unrecordable(request));
    if (rejection) return sendResponse(request, response, rejection);
    if (media !== null && isMedia(request, path)) {
      void sendMedia(request, response, { directory: media, name: path.slice(MEDIA.length + 1) });
      return;
    }
    if (!route) return sendResponse(request, response, withoutRoute(request, index));
    request.matchedRoute = route;
    next();
  };
}

function isMedia({ method }: GatewayRequest, path: string): boolean {
  return (method === "GET" || method === "HEAD") && path.startsWith(`${MEDIA}/`);
}

const RETRY_AFTER = { "Retry-After": "5" };

function unrecordable(request: GatewayRequest): ApiResponse {
  return serverError(503, rejections.unrecordable[requestLanguage(request)], RETRY_AFTER);
}

/** The response where there is no route. A trailing slash is redirected to the path without. */
function withoutRoute(request: GatewayRequest, index: RouteIndex): ApiResponse {
  const path = pathOf(request);
  const methods = index.get(path);
  if (methods) return httpError(405, "Method Not Allowed", { Allow: [...methods.keys()].join(", ") });
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === path || !index.has(trimmed)) return httpError(404, "Not Found");
  const query = (request.originalUrl ?? "").slice(path.length);
  return { status: 307, body: {}, headers: { Location: trimmed + query } };
}
