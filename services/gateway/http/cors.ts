import type { IncomingMessage, ServerResponse } from "node:http";
import type { ApiResponse } from "../wire/response.ts";

/**
 * Lets the pages of configured origins read responses: a browser shows a response to a page of another origin only where
 * its headers allow it. Returns the response to a preflight, undefined for any other request.
 */
export function cors(allowedOrigins: readonly string[]) {
  const origins = new Set(allowedOrigins);
  return ({ method, headers }: IncomingMessage, response: ServerResponse): ApiResponse | undefined => {
    const { origin } = headers;
    if (origin === undefined || !origins.has(origin.toLowerCase())) return undefined;
    response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader(
      "Access-Control-Expose-Headers",
      "Location, X-Request-ID, X-Process-Time, Retry-After",
    );
    response.setHeader("Vary", "Origin");
    if (method !== "OPTIONS" || headers["access-control-request-method"] === undefined) return undefined;
    return PREFLIGHT;
  };
}

const PREFLIGHT: ApiResponse = {
  status: 204,
  body: {},
  headers: {
    "Access-Control-Allow-Methods": "GET, POST, PUT",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-ID, traceparent",
    "Access-Control-Max-Age": "600",
  },
};
