/** Python escapes quote, backslash and everything outside printable ASCII, by UTF-16 unit. */
const ESCAPED = /["\\]|[^ -~]/g;
const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\f": "\\f",
  "\b": "\\b",
};

/**
 * JSON text as Python's `json.dumps` writes it with its defaults: `", "` and `": "` between parts, `\uXXXX` for
 * what is not ASCII, floats in Python's notation. Clients of the original compare and parse these strings.
 * As with `JSON.stringify`, members without a JSON value are left out and such items are null. NaN and infinities are
 * null, too: Python would write tokens that JSON parsers reject.
 */
export function pythonJson(value: unknown): string {
  return dumped(value) ?? "null";
}

function dumped(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      return quoted(value);
    case "number":
      return pythonNumber(value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      return value === null ? "null" : dumpedObject(value);
    default:
      return undefined;
  }
}

function dumpedObject(value: object): string | undefined {
  if ("toJSON" in value && typeof value.toJSON === "function") return dumped(value.toJSON());
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  const members: string[] = [];
  for (const [name, inner] of Object.entries(value)) {
    const text = dumped(inner);
    if (text !== undefined) members.push(`${quoted(name)}: ${text}`);
  }
  return `{${members.join(", ")}}`;
}

function quoted(text: string): string {
  return `"${text.replace(ESCAPED, (unit) => SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)}"`;
}

/** Python changes to an exponent below 1e-4 and writes it with two digits; JavaScript below 1e-6, with one. */
function pythonNumber(value: number): string {
  if (!Number.isFinite(value)) return "null";
  if (Object.is(value, -0)) return "0";
  const isTiny = value !== 0 && Math.abs(value) < 1e-4;
  const text = isTiny ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}
