import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { ApiResponse } from "../wire/response.ts";
import { elapsedMs, type GatewayRequest } from "./gateway-request.ts";

const BODILESS = new Set([204, 307]);

/** Sends a response once: sends nothing where the client has left or another response has begun. */
export function sendResponse(request: GatewayRequest, response: ServerResponse, content: ApiResponse): void {
  if (response.headersSent) return;
  if (response.destroyed) {
    reportResponse(request, content, 0);
    return;
  }
  const entity = content.page?.content ?? (BODILESS.has(content.status) ? "" : JSON.stringify(content.body));
  const length = Buffer.byteLength(entity);
  sendHead(request, response, content, {
    ...(length === 0 ? {} : { "Content-Type": content.page?.contentType ?? "application/json" }),
    ...(content.status === 204 ? {} : { "Content-Length": length }),
  });
  response.end(entity);
  reportResponse(request, content, length);
}

/** Reports a response to the watcher of the request; a second one is not reported. */
export function reportResponse(
  request: GatewayRequest,
  content: ApiResponse,
  contentLength: number | null,
): void {
  const { onResponse } = request;
  request.onResponse = undefined;
  onResponse?.(content, contentLength);
}

/** Makes browsers trust the stated type, show the response in no frame, and send its URL to no other site. */
const SECURITY_HEADERS = {
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
};

/** Sends status and headers; `entity` describes the body. */
export function sendHead(
  request: GatewayRequest,
  response: ServerResponse,
  content: ApiResponse,
  entity: OutgoingHttpHeaders,
): void {
  request.bodyCode = content.body.code;
  // A client that keeps its connection while the server stops would delay the stop for as long as it is idle. A client
  // that waits for 100 Continue may send its body or not, so what follows on the connection could not be read.
  if (request.$service?.server.listening === false || request.isBodyAwaited) {
    response.setHeader("Connection", "close");
  }
  response.writeHead(content.status, {
    ...entity,
    "Cache-Control": "no-store",
    ...SECURITY_HEADERS,
    "X-Process-Time": `${Math.round(elapsedMs(request))}ms`,
    "if-refresh": "0",
    ...content.headers,
  });
}
