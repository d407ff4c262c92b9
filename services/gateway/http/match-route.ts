import type { Config } from "../../../shared/config.ts";
import type { Route } from "../endpoints/route.ts";
import { indexRoutes, type RouteIndex, routes } from "../endpoints/routes.ts";
import { type ApiResponse, httpError } from "../wire/response.ts";
import { cors } from "./cors.ts";
import { type GatewayRequest, type Link, pathOf } from "./gateway-request.ts";
import { type GuardConfig, requestGuard } from "./request-guard.ts";
import { logWhenDone } from "./request-log.ts";
import { sendResponse } from "./send-response.ts";

const index = indexRoutes(routes);
/** Load balancers and orchestrators call these by any address; they return nothing worth protecting. */
const OPEN_PATHS = new Set(["/health", "/ready"]);

/** The first link: logs every request, and responds to those that are rejected or have no route. */
export function matchRoute(config: GuardConfig & Pick<Config, "allowedOrigins">): Link {
  const rejectionOf = requestGuard(config);
  const openToPages = cors(config.allowedOrigins);
  return function (request, response, next) {
    logWhenDone(request, response, this);
    const rejection = OPEN_PATHS.has(pathOf(request)) ? undefined : rejectionOf(request);
    const found = rejection ?? openToPages(request, response) ?? findRoute(index, request);
    if ("status" in found) return sendResponse(request, response, found);
    request.matchedRoute = found;
    next();
  };
}

/** The route of a request, or the response where there is none. A trailing slash is redirected to the path without. */
function findRoute(index: RouteIndex, request: GatewayRequest): Route | ApiResponse {
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
