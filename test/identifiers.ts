/** Strings, template texts, comments and regular expressions, in the order in which a scanner meets them. */
const NOT_CODE =
  /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\/.*$|\/\*[\s\S]*?\*\/|(?<=[=(,:!&|?{;[]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*/gm;

/** Every identifier of a source text, once. Those in template expressions count; strings and comments do not. */
export function identifiersOf(source: string): ReadonlySet<string> {
  const code = source.replace(NOT_CODE, (text) =>
    text.startsWith("`") ? [...text.matchAll(/\$\{([^}]*)\}/g)].map(([, inner]) => inner).join(" ") : " ",
  );
  return new Set(code.match(/[A-Za-z_$][\w$]*/g));
}

/** The words of an identifier or a file name in lower case: `isHTTPDone` is `is http done`. */
export const wordsOf = (name: string): readonly string[] =>
  name
    .replaceAll(/([a-z\d])([A-Z])/g, "$1 $2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z\d]+/)
    .filter((word) => word !== "");
