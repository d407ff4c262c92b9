import type { ServerResponse } from "node:http";
import { elapsedMs, type GatewayRequest, pathOf } from "./http-exchange.ts";

/** Moleculer's logger and pino's take this. */
export interface RequestLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What nginx calls a request whose client left before the answer. */
const CLIENT_CLOSED = 499;

/**
 * One line for each request, when its connection is done with it. Neither query nor body is written: ids are found
 * by the request id, and secrets stay out. Calling it twice for one request is harmless.
 */
export function logWhenDone(request: GatewayRequest, response: ServerResponse, logger: RequestLogger): void {
  if (request.isObserved) return;
  request.isObserved = true;
  response.once("close", () => {
    const status = response.writableFinished ? response.statusCode : CLIENT_CLOSED;
    const level = status >= 500 ? "error" : status >= 400 ? "warn" : "info";
    logger[level](
      {
        requestId: request.$ctx?.requestID,
        method: request.method,
        route: request.matchedRoute ? pathOf(request) : pathOf(request).slice(0, 200),
        status,
        code: request.replyCode,
        ms: Math.round(elapsedMs(request) * 10) / 10,
      },
      "request",
    );
  });
}
