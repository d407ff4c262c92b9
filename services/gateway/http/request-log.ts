import type { ServerResponse } from "node:http";
import { actorOf } from "../../../shared/contracts/access-token.ts";
import { monitoringOf } from "../../../shared/monitoring/monitoring.ts";
import { elapsedMs, type GatewayRequest, type GatewayService, pathOf } from "./gateway-request.ts";

/** The status of nginx for a request whose client left before the response. */
const CLIENT_CLOSED = 499;

type Reporters = Pick<GatewayService, "logger" | "broker" | "logsRequests">;

/**
 * Logs one line for each request when it is done, and counts it. Neither query nor body is logged: they may have secrets, and the
 * request id identifies the request. A second call for the same request has no effect.
 */
export function logWhenDone(
  request: GatewayRequest,
  response: ServerResponse,
  { logger: log, broker, logsRequests }: Reporters,
): void {
  if (request.isLogged) return;
  request.isLogged = true;
  const { metrics } = monitoringOf(broker);
  response.once("close", () => {
    const status = response.writableFinished ? response.statusCode : CLIENT_CLOSED;
    const ms = elapsedMs(request);
    metrics.requestEnded({ method: request.method ?? "", route: routeOf(request), status, ms });
    if (!logsRequests) return;
    const level = status >= 500 ? "error" : status >= 400 ? "warn" : "info";
    log[level](
      {
        requestId: request.$ctx?.requestID,
        method: request.method,
        ...(request.client?.identity ? { actor: actorOf(request.client.identity) } : {}),
        route: request.matchedRoute ? pathOf(request) : pathOf(request).slice(0, 200),
        status,
        code: request.bodyCode,
        ms: Math.round(ms * 10) / 10,
      },
      "request",
    );
  });
}

/** The path in the table of routes; requests without a route are one series. */
function routeOf({ matchedRoute }: GatewayRequest): string {
  if (!matchedRoute) return "none";
  const { own, R2, R1 } = matchedRoute.paths;
  return (own ?? R2 ?? R1 ?? "none").replace(/^[A-Z]+ /, "");
}
