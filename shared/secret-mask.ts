/** Replaces a masked value. */
export const MASK = "***";

const SECRET_NAME = /passw(?:or)?d|secret|token|authorization|cookie|credential|api[-_]?key/i;
/** A member of a JSON text, which may be malformed. Matching is linear in the length of the text. */
const MEMBER = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:\s*)("[^"\\]*(?:\\.[^"\\]*)*"?|[^\s,}\]]+)/gs;

/** True for names that usually belong to secrets: `password`, `access_token`, `Authorization`, … */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** Masks the values of secret members in a JSON text, which may be malformed. */
export function maskText(text: string): string {
  if (!SECRET_NAME.test(text)) return text;
  return text.replace(MEMBER, (member, name: string, colon: string, value: string) => {
    if (isSecretName(name)) return `"${name}"${colon}"${MASK}"`;
    return SECRET_NAME.test(value) ? `"${name}"${colon}${maskEscaped(value)}` : member;
  });
}

/** Masks inside a string member that contains JSON, such as `job_params`. */
function maskEscaped(literal: string): string {
  try {
    const inner: unknown = JSON.parse(literal);
    return typeof inner === "string" ? JSON.stringify(maskText(inner)) : literal;
  } catch {
    return literal;
  }
}

/**
 * Returns a copy of plain JSON data with the values of secret members masked, also inside strings that contain JSON.
 * Values other than plain objects, arrays and strings are kept.
 */
export function maskSecrets(value: unknown): unknown {
  if (typeof value === "string") return maskText(value);
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
