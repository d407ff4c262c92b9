import ApiGateway from "moleculer-web";
import { type Language, languageOf } from "../texts/language.ts";
import { bodyTooLarge, rejections } from "../texts/messages.ts";
import { httpError, type Reply, serverError } from "../wire/envelope.ts";
import { parseJson } from "../wire/json-text.ts";
import { InvalidInput } from "../wire/wire-validation.ts";
import type { Link } from "./answering.ts";
import { type GatewayRequest, send } from "./http-exchange.ts";
import { isFromBrowser } from "./request-guard.ts";

const BODY_LIMIT = 1_048_576;
const parseRaw = ApiGateway.bodyParser.raw({ type: () => true, limit: BODY_LIMIT });

/** Reads the body of a route that wants one; any other is thrown away unread. */
export const readBody: Link = (request, response, next) => {
  if (request.matchedRoute?.endpoint.input.source !== "body") return next();
  const language = languageOf(request.headers["accept-language"]);
  const refusal = refusalOf(request, language);
  if (refusal) return send(request, response, refusal);
  if (request.isBodyAwaited) {
    request.isBodyAwaited = false;
    response.writeContinue();
  }
  parseRaw(request as never, response as never, (error?: unknown) => {
    if (error) send(request, response, bodyFault(error, language));
    else next();
  });
};

/**
 * A page may send any bytes to any server as long as it gives no content type, or one of a form. It may not name JSON
 * without asking first, which is refused; so a browser has to name it.
 */
function refusalOf(request: GatewayRequest, language: Language): Reply | undefined {
  const { "content-type": contentType, "content-length": length } = request.headers;
  if (isFromBrowser(request) && (contentType === undefined || !isJson(contentType))) {
    return httpError(415, rejections.contentTypeRequired[language]);
  }
  return Number(length) > BODY_LIMIT ? tooLarge(language) : undefined;
}

const tooLarge = (language: Language) => serverError(413, bodyTooLarge(BODY_LIMIT / 1_048_576)[language]);

/** The reply to a body that could not be read at all. */
function bodyFault(error: unknown, language: Language): Reply {
  const { status } = error as { status?: unknown };
  if (status === 413) return tooLarge(language);
  return serverError(typeof status === "number" ? status : 400, rejections.bodyUnreadable[language]);
}

/**
 * The body as the original reads it: JSON where the content type says so or is missing, else the bare text.
 * Undefined where nothing was sent, and for a JSON null. Throws `InvalidInput` for JSON that cannot be taken.
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
