/** What stands in place of a masked value. */
export const MASK = "***";

const SECRET_NAME = /passw(?:or)?d|secret|token|authorization|cookie|credential|api[-_]?key/i;
/** A member of a JSON text, also of a broken one; written so that matching stays linear in the text's length. */
const MEMBER = /"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:\s*)("[^"\\]*(?:\\.[^"\\]*)*"?|[^\s,}\]]+)/gs;

/** True for names under which secrets usually stand: `password`, `access_token`, `Authorization`, … */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** JSON text, or what was meant to be some, with the values of secret members masked. */
export function maskText(text: string): string {
  if (!SECRET_NAME.test(text)) return text;
  return text.replace(MEMBER, (member, name: string, colon: string, value: string) => {
    if (isSecretName(name)) return `"${name}"${colon}"${MASK}"`;
    return SECRET_NAME.test(value) ? `"${name}"${colon}${maskEscaped(value)}` : member;
  });
}

/** A string member that holds JSON itself, as `job_params` may: its inner members are masked too. */
function maskEscaped(literal: string): string {
  try {
    const inner: unknown = JSON.parse(literal);
    return typeof inner === "string" ? JSON.stringify(maskText(inner)) : literal;
  } catch {
    return literal;
  }
}

/**
 * A copy of plain JSON data in which the values of secret-looking members are masked, also inside strings that
 * hold JSON. Whatever is neither plain object, array nor string is kept as it is.
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
