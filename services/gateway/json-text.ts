import { isRecord } from "./wire-validation.ts";

/** Deeper JSON is refused: the store takes 100 levels, and code that walks it must not run out of stack. */
export const DEEPEST_JSON = 64;

/** The value of a JSON text; undefined where it is none or nested deeper than {@link DEEPEST_JSON}. */
export function parseJson(text: string): { readonly value: unknown } | undefined {
  if (isTooDeep(text)) return undefined;
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** The object that a JSON text holds; undefined where it holds anything else. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const parsed = parseJson(text)?.value;
  return isRecord(parsed) ? parsed : undefined;
}

/** Counts brackets outside strings; looks at the text, because parsing millions of levels costs memory first. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (isInString) {
      if (unit === 0x5c) at++;
      else if (unit === 0x22) isInString = false;
    } else if (unit === 0x22) isInString = true;
    else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > DEEPEST_JSON) return true;
    } else if (unit === 0x7d || unit === 0x5d) depth--;
  }
  return false;
}
