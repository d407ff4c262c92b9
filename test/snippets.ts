import assert from "node:assert/strict";

/** Code of the page and where it belongs: the whole file, its end, or relative to the line that starts with a text. */
export interface Snippet {
  readonly file: string;
  readonly position: "whole" | "end" | "before" | "after" | "replace";
  readonly line: string;
  readonly code: string;
}

export function snippetsOf(page: string): readonly Snippet[] {
  return [
    ...page.matchAll(/^```ts file='(.+?)'(?: (before|after|replace|at)='(.+?)')?\n([\s\S]*?)^```$/gm),
  ].map(([, file = "", position = "whole", line = "", code = ""]) => ({
    file,
    position: (position === "at" ? "end" : position) as Snippet["position"],
    line,
    code,
  }));
}

/**
 * The file with the snippet in it; unchanged if it has the snippet already, so that the checks also pass for readers who
 * follow the page.
 *
 * @throws AssertionError if the line that a snippet refers to is missing, or is there more than once
 */
export function applied(source: string, { file, position, line, code }: Snippet): string {
  if (position === "whole") return code;
  if (source.includes(code)) return source;
  if (position === "end") return source + code;
  const lines = source.split("\n");
  const matching = lines.flatMap((text, index) => (text.startsWith(line) ? [index] : []));
  assert.equal(matching.length, 1, `${file} has ${matching.length} lines that start with: ${line}`);
  const [index = 0] = matching;
  const inserted = code.replace(/\n$/, "").split("\n");
  lines.splice(position === "after" ? index + 1 : index, position === "replace" ? 1 : 0, ...inserted);
  return lines.join("\n");
}
