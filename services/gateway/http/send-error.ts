import type { ServerResponse } from "node:http";
import { errorResponse, unexpectedError } from "../wire/error-response.ts";
import { type ApiResponse, httpError } from "../wire/response.ts";
import { type GatewayRequest, type GatewayService, requestLanguage } from "./gateway-request.ts";
import { logWhenDone } from "./request-log.ts";
import { sendResponse } from "./send-response.ts";

/** The response to an error; an unexpected one is logged, and its cause is in the log only. */
export function responseToError(
  { logger }: GatewayService,
  request: GatewayRequest,
  err: unknown,
): ApiResponse {
  const language = requestLanguage(request);
  const response = errorResponse(err, language);
  if (response) return response;
  logger.error({ ...identityOf(request), err }, "request failed unexpectedly");
  return unexpectedError(language);
}

/** Moleculer-web's `onError`: responds where the chain itself fails, because there is no route or a link throws. */
export function sendError(
  this: GatewayService,
  request: GatewayRequest,
  response: ServerResponse,
  error: unknown,
): void {
  logWhenDone(request, response, this);
  const isUnrouted = (error as { code?: unknown }).code === 404;
  const content = isUnrouted ? httpError(404, "Not Found") : responseToError(this, request, error);
  sendResponse(request, response, content);
}

/** A response that has begun cannot become an error; closing the connection shows the client that it is incomplete. */
export function cutConnection(
  { logger }: GatewayService,
  request: GatewayRequest,
  response: ServerResponse,
  err: unknown,
): void {
  if (response.destroyed) return;
  logger.warn({ ...identityOf(request), err }, "response was cut off");
  response.destroy();
}

function identityOf({ $ctx, matchedRoute }: GatewayRequest) {
  return { requestId: $ctx?.requestID, route: matchedRoute?.paths };
}
