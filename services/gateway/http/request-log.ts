import type { ServerResponse } from "node:http";
import type { Log } from "../../../shared/log.ts";
import { elapsedMs, type GatewayRequest, pathOf } from "./gateway-request.ts";

/** The status of nginx for a request whose client left before the response. */
const CLIENT_CLOSED = 499;

/**
 * Logs one line for each request when it is done. Neither query nor body is logged: they may have secrets, and the
 * request id identifies the request. A second call for the same request has no effect.
 */
export function logWhenDone(request: GatewayRequest, response: ServerResponse, log: Log): void {
  if (request.isLogged) return;
  request.isLogged = true;
  response.once("close", () => {
    const status = response.writableFinished ? response.statusCode : CLIENT_CLOSED;
    const level = status >= 500 ? "error" : status >= 400 ? "warn" : "info";
    log[level](
      {
        requestId: request.$ctx?.requestID,
        method: request.method,
        route: request.matchedRoute ? pathOf(request) : pathOf(request).slice(0, 200),
        status,
        code: request.bodyCode,
        ms: Math.round(elapsedMs(request) * 10) / 10,
      },
      "request",
    );
  });
}
