import { isSecretName, MASK, maskJsonText } from "../../../shared/secret-mask.ts";

/** UTF-16 units of a body that are recorded: with every one escaped, the event still fits a message of the bus. */
const BODY_UNITS = 65_536;
const FORM = "application/x-www-form-urlencoded";

/**
 * The text of a body with its secrets masked, cut if it is long. Only JSON and forms are recorded: secrets are not
 * recognised in other texts, and the Python original records no multipart body either.
 */
export function recordedBody(body: unknown, contentType: string | undefined): string {
  if (!Buffer.isBuffer(body) || body.length === 0) return "";
  const mediaType = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  // A unit takes at most three bytes, so that no more of the body is decoded than is recorded.
  const text = new TextDecoder().decode(body.subarray(0, BODY_UNITS * 3)).slice(0, BODY_UNITS);
  if (mediaType === FORM) return maskQuery(text);
  if (mediaType === undefined || mediaType.includes("json") || /^\s*[{[]/.test(text))
    return maskJsonText(text);
  return "";
}

/** The parameters of a query, the last value of each, with secrets masked. */
export function recordedQuery(query: Readonly<Record<string, string>>) {
  return Object.entries(query).map(([name, value]) => ({ name, value: isSecretName(name) ? MASK : value }));
}

/** A path with its query, with secrets masked. */
export function recordedUrl(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? url : `${url.slice(0, at)}?${maskQuery(url.slice(at + 1))}`;
}

/** Replaces the values of secret parameters in `a=1&b=2`, and keeps everything else as it was written. */
function maskQuery(query: string): string {
  return query
    .split("&")
    .map((part) => {
      const at = part.indexOf("=");
      return at >= 0 && isSecretName(decoded(part.slice(0, at))) ? `${part.slice(0, at)}=${MASK}` : part;
    })
    .join("&");
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll("+", " "));
  } catch {
    return name;
  }
}
