/** Replaces a masked value. */
export const MASK = "***";

const SECRET_NAME = /passw(?:or)?d|secret|token|authorization|cookie|credential|api[-_]?key/i;
/** A member of a JSON text, which may be malformed. Matching is linear in the length of the text. */
const MEMBER = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:\s*)("[^"\\]*(?:\\.[^"\\]*)*"?|[^\s,}\]]+)/gs;

/** True for names that usually belong to secrets: `password`, `access_token`, `Authorization`, … */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/**
 * Masks the values of secret members in a JSON text, which may be malformed. What is no secret stays as it was written,
 * except the white space of a text with a whole structure as secret.
 */
export function maskJsonText(text: string): string {
  if (!mayHaveSecrets(text)) return text;
  const masked = maskText(text);
  try {
    const whole = JSON.stringify(maskSecrets(JSON.parse(text)));
    return isSameJson(masked, whole) ? masked : whole;
  } catch {
    return masked;
  }
}

function isSameJson(text: string, json: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}

/** Masks member by member, and cuts the text where a secret structure begins: in a malformed text, its end is unknown. */
export function maskText(text: string): string {
  if (!mayHaveSecrets(text)) return text;
  let masked = "";
  let done = 0;
  for (const { 0: member, 1: name = "", 2: colon = "", 3: value = "", index: at } of text.matchAll(MEMBER)) {
    masked += text.slice(done, at);
    done = at + member.length;
    if (!isSecretName(unescaped(name)))
      masked += mayHaveSecrets(value) ? `"${name}"${colon}${maskEscaped(value)}` : member;
    else if (/^[{[]/.test(value)) return `${masked}"${name}"${colon}"${MASK}"`;
    else masked += `"${name}"${colon}"${MASK}"`;
  }
  return masked + text.slice(done);
}

/** Letters of a name can be written as escapes. */
function mayHaveSecrets(text: string): boolean {
  return SECRET_NAME.test(text) || text.includes("\\u");
}

function unescaped(name: string): string {
  return name.replace(/\\u00([2-7][\da-f])/gi, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Masks inside a string member that contains JSON, such as `job_params`. */
function maskEscaped(literal: string): string {
  try {
    const inner: unknown = JSON.parse(literal);
    const masked = typeof inner === "string" ? maskJsonText(inner) : inner;
    return masked === inner ? literal : JSON.stringify(masked);
  } catch {
    return literal;
  }
}

/**
 * Returns a copy of plain JSON data with the values of secret members masked, also inside strings that contain JSON.
 * Values other than plain objects, arrays and strings are kept.
 */
export function maskSecrets(value: unknown): unknown {
  if (typeof value === "string") return maskJsonText(value);
  if (Array.isArray(value)) return value.map(maskSecrets);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, isSecretName(name) ? MASK : maskSecrets(inner)]),
  );
}

/** True for object literals and parsed JSON; false for arrays and instances of classes. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
