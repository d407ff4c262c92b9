import type { ServerResponse } from "node:http";
import ApiGateway from "moleculer-web";
import type { Language } from "../texts/language.ts";
import { bodyTooLarge, rejections } from "../texts/messages.ts";
import { parseJson } from "../wire/json-text.ts";
import { type ApiResponse, httpError, serverError } from "../wire/response.ts";
import { InvalidInput } from "../wire/wire-validation.ts";
import { type GatewayRequest, type Link, requestLanguage } from "./gateway-request.ts";
import { isFromBrowser } from "./request-guard.ts";
import { sendResponse } from "./send-response.ts";

const BODY_LIMIT = 1_048_576;
const parseRaw = ApiGateway.bodyParser.raw({ type: () => true, limit: BODY_LIMIT });

/** The third link: reads the body where the route has one. */
export const readBody: Link = (request, response, next) => {
  const source = request.matchedRoute?.endpoint.input.source;
  if (source === "file") {
    awaitNoMore(request, response);
    return next();
  }
  if (source !== "body") return next();
  const language = requestLanguage(request);
  const rejection = rejectionOf(request, language);
  if (rejection) return sendResponse(request, response, rejection);
  awaitNoMore(request, response);
  parseRaw(request as never, response as never, (error?: unknown) => {
    if (error) sendResponse(request, response, unreadable(error, language));
    else next();
  });
};

/** Requests the body that the client holds back. */
function awaitNoMore(request: GatewayRequest, response: ServerResponse): void {
  if (!request.isBodyAwaited) return;
  request.isBodyAwaited = false;
  response.writeContinue();
}

/**
 * A page may send any bytes to any server without a content type, or with that of a form. JSON needs a preflight, which
 * is rejected for foreign pages; so browsers have to name JSON.
 */
function rejectionOf(request: GatewayRequest, language: Language): ApiResponse | undefined {
  const { "content-type": contentType, "content-length": length } = request.headers;
  if (isFromBrowser(request) && (contentType === undefined || !isJson(contentType))) {
    return httpError(415, rejections.contentTypeRequired[language]);
  }
  return Number(length) > BODY_LIMIT ? tooLarge(language) : undefined;
}

const tooLarge = (language: Language) => serverError(413, bodyTooLarge(BODY_LIMIT / 1_048_576)[language]);

/** The response to a body that cannot be read at all. */
function unreadable(error: unknown, language: Language): ApiResponse {
  const { status } = error as { status?: unknown };
  if (status === 413) return tooLarge(language);
  return serverError(typeof status === "number" ? status : 400, rejections.bodyUnreadable[language]);
}

/**
 * The body as the Python original reads it: JSON where the content type is JSON or missing, else the bare text.
 * Undefined for an empty body and for a JSON null.
 *
 * @throws InvalidInput for JSON that cannot be read
 */
export function bodyOf(request: GatewayRequest): unknown {
  if (!Buffer.isBuffer(request.body) || request.body.length === 0) return undefined;
  const text = new TextDecoder().decode(request.body);
  if (!isJson(request.headers["content-type"])) return text;
  const parsed = parseJson(text);
  if ("value" in parsed) return parsed.value ?? undefined;
  const { field, ...fault } = parsed.fault;
  throw new InvalidInput([{ field: field || "body", ...fault }], text);
}

export function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  const mediaType = (contentType.split(";", 1)[0] as string).trim().toLowerCase();
  return /^application\/(?:json|[^/]+\+json)$/.test(mediaType);
}
